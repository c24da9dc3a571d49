//! What keeps a type off the wire.

use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, GenericParam, Path, Token, Type, parse_quote};

use super::fields;
use crate::ctxt::{Ctxt, no_condition};
use crate::{attrs, types};

/// Reports everything that is wrong, and strips serde's attributes, whose reasons have been given.
pub(super) fn check(cx: &Ctxt, input: &mut DeriveInput) {
    no_condition(cx, "wire", &input.attrs);
    check_generics(cx, input);
    check_derives(cx, &mut input.attrs);
    if let Data::Enum(data) = &input.data
        && data.variants.is_empty()
    {
        cx.error(&input.ident, "an enum without variants has no values, so none can cross: add one");
    }
    for field in fields(&input.data) {
        check_field_type(cx, input, &field.ty);
        attrs::no_cfg(cx, &field.attrs, CONDITION);
    }
    if let Data::Enum(data) = &input.data {
        for variant in &data.variants {
            attrs::no_cfg(cx, &variant.attrs, CONDITION);
        }
    }
    strip_serde(cx, &mut input.attrs);
    match &mut input.data {
        Data::Struct(data) => data.fields.iter_mut().for_each(|field| strip_serde(cx, &mut field.attrs)),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                strip_serde(cx, &mut variant.attrs);
                variant.fields.iter_mut().for_each(|field| strip_serde(cx, &mut field.attrs));
            }
        }
        Data::Union(_) => {}
    }
}

const CONDITION: &str = "the form on the wire must not depend on `cfg`: both sides would understand different bytes";

fn check_generics(cx: &Ctxt, input: &DeriveInput) {
    for param in &input.generics.params {
        match param {
            GenericParam::Lifetime(param) => {
                cx.error(param, "a wire type owns its data: remove the lifetime, own what it borrows")
            }
            GenericParam::Const(param) => {
                cx.error(param, "serde knows no arrays of any length: use a fixed one, or a `Vec`")
            }
            GenericParam::Type(_) => {}
        }
    }
}

/// Reports serde's own derives and takes them off, since ours, or their stand-ins, take their place.
fn check_derives(cx: &Ctxt, attrs: &mut [Attribute]) {
    for attr in attrs.iter_mut().filter(|attr| attr.path().is_ident("derive")) {
        // A derive that doesn't parse is rustc's to report.
        let Ok(paths) = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated) else { continue };
        let (ours, others): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| {
            path.segments.last().is_some_and(|last| last.ident == "Serialize" || last.ident == "Deserialize")
        });
        for path in &ours {
            cx.error(path, "`#[wire]` derives this already: remove it here");
        }
        if !ours.is_empty() {
            *attr = parse_quote!(#[derive(#(#others),*)]);
        }
    }
}

fn check_field_type(cx: &Ctxt, input: &DeriveInput, ty: &Type) {
    // The lifetimes of the type itself are reported where they are declared.
    if !input.generics.lifetimes().any(|_| true) {
        types::check_owned(cx, ty);
    }
    if let Some(at) = types::mentions_name(ty, &input.ident).or_else(|| types::mentions_self(ty)) {
        cx.error(at, "a schema has an end, so a wire type can't contain itself: refer to parts by an index or an id");
    }
}

fn strip_serde(cx: &Ctxt, attrs: &mut Vec<Attribute>) {
    attrs.retain(|attr| {
        if !attr.path().is_ident("serde") {
            return true;
        }
        let parsed = attr.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            cx.error(&meta.path, format_args!("`#[wire]` takes no serde attributes: {}", reason(&name)));
            skip_value(&meta)
        });
        if parsed.is_err() {
            cx.error(attr, "`#[wire]` takes no serde attributes: the form on the wire is the type as it is written");
        }
        false
    });
}

fn skip_value(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| skip_value(&inner))?;
    }
    Ok(())
}

fn reason(name: &str) -> &'static str {
    match name {
        "skip" | "skip_serializing" | "skip_deserializing" | "skip_serializing_if" => {
            "values have no names on the wire, so a skipped one shifts all that follow"
        }
        "default" => "every value is on the wire, so no default is ever used",
        "flatten" | "untagged" | "tag" | "content" | "other" => {
            "this needs a form that describes itself, and the wire has the schema for that"
        }
        "rename" | "rename_all" | "rename_all_fields" | "alias" => {
            "the schema names what the source names: rename it there"
        }
        "with" | "serialize_with" | "deserialize_with" | "from" | "try_from" | "into" | "remote" | "getter" => {
            "the bytes would no longer be what the schema says: give the field another type"
        }
        "borrow" => "a wire type owns its data",
        "transparent" => "a struct around one unnamed field is that field on the wire already",
        _ => "the form on the wire is the type as it is written",
    }
}
