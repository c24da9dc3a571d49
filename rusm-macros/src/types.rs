//! Questions about types, answered from their tokens alone.

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericArgument, Lifetime, Path, PathArguments, ReturnType, Token, Type, TypeImplTrait, TypeParamBound,
    TypeReference, TypeTraitObject,
};

use crate::ctxt::Ctxt;

/// The type inside parentheses and the invisible groups that `macro_rules!` leaves behind.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

pub(crate) fn is_unit(ty: &Type) -> bool {
    matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Nothing is returned, written either way.
pub(crate) fn returns_nothing(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => is_unit(ty),
    }
}

fn path(ty: &Type) -> Option<&Path> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => Some(&path.path),
        _ => None,
    }
}

/// The generic type arguments of a path whose last segment is `name`.
pub(crate) fn named<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let last = path(ty)?.segments.last().filter(|last| last.ident == name)?;
    Some(match &last.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    })
}

/// `Self`, or the type's own name.
pub(crate) fn is_self(ty: &Type, own: &Path) -> bool {
    let own = own.segments.last();
    path(ty).and_then(|path| path.segments.last()).is_some_and(|last| {
        last.arguments.is_none() && (last.ident == "Self" || own.is_some_and(|own| own.ident == last.ident))
    })
}

/// The `T` of `Reply<T>`.
pub(crate) fn reply(ty: &Type) -> Option<&Type> {
    match named(ty, "Reply")?.as_slice() {
        [answer] => Some(answer),
        _ => None,
    }
}

/// The bounds of `impl Stream<..>`.
pub(crate) fn stream_bounds(ty: &mut Type) -> Option<&mut Punctuated<TypeParamBound, Token![+]>> {
    stream_item(ty)?;
    match ty {
        Type::ImplTrait(ty) => Some(&mut ty.bounds),
        Type::Group(group) => stream_bounds(&mut group.elem),
        Type::Paren(paren) => stream_bounds(&mut paren.elem),
        _ => None,
    }
}

/// The `T` of `impl Stream<Item = T>`.
pub(crate) fn stream_item(ty: &Type) -> Option<&Type> {
    let Type::ImplTrait(ty) = bare(ty) else { return None };
    let last = ty.bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == "Stream"),
        _ => None,
    })?;
    let PathArguments::AngleBracketed(list) = &last.arguments else { return None };
    list.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
        _ => None,
    })
}

/// How an argument mentions the context, if it does.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Context {
    /// `&mut Cx<..>`
    Mutable,
    /// `Cx<..>` or `&Cx<..>`
    Wrong,
}

pub(crate) fn context(ty: &Type) -> Option<Context> {
    match bare(ty) {
        Type::Reference(reference) => {
            named(&reference.elem, "Cx")?;
            Some(if reference.mutability.is_some() { Context::Mutable } else { Context::Wrong })
        }
        other => named(other, "Cx").map(|_| Context::Wrong),
    }
}

/// Reports everything in `ty` that keeps it from being owned, plain data.
pub(crate) fn check_owned(cx: &Ctxt, ty: &Type) {
    Owned { cx }.visit_type(ty);
}

struct Owned<'a> {
    cx: &'a Ctxt,
}

impl<'ast> Visit<'ast> for Owned<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        // What is inside belongs to this mistake.
        self.cx.error(reference, "a message owns its data: take this by value, not by reference");
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.cx.error(lifetime, "a message owns its data: it has no lifetimes");
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.cx.error(ty, "a message has one form on the wire: name the type instead of `impl Trait`");
    }

    fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
        self.cx.error(ty, "a message is plain data: a trait object can't cross a boundary, use an enum");
    }

    fn visit_type_fn_ptr(&mut self, ty: &'ast syn::TypeFnPtr) {
        self.cx.error(ty, "a message is plain data: a function can't cross a boundary");
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Never(never) => self.cx.error(never, "a message carries a value, and `!` has none"),
            Type::Infer(infer) => self.cx.error(infer, "name the type: it becomes part of the message"),
            _ => visit::visit_type(self, ty),
        }
    }

    // The length of an array is an expression of its own.
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}

/// `ty` with `Self` spelled out: in generated items `Self` is something else.
pub(crate) fn without_self(ty: &Type, own: &Path) -> Type {
    let mut ty = ty.clone();
    Spell { own }.visit_type_mut(&mut ty);
    ty
}

struct Spell<'a> {
    own: &'a Path,
}

impl VisitMut for Spell<'_> {
    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        let Some(first) = path.segments.first().filter(|first| first.ident == "Self") else { return };
        let span = first.ident.span();
        let mut spelled = self.own.clone();
        if let Some(last) = spelled.segments.last_mut() {
            last.ident.set_span(span);
        }
        spelled.segments.extend(path.segments.iter().skip(1).cloned());
        *path = spelled;
    }
}

/// Whether `Self` is mentioned anywhere in `ty`, and where.
pub(crate) fn mentions_self(ty: &Type) -> Option<proc_macro2::Ident> {
    mentions(ty, |path| path.segments.first().filter(|first| first.ident == "Self"))
}

/// Whether a path that is just `name` is mentioned anywhere in `ty`, and where.
pub(crate) fn mentions_name(ty: &Type, name: &proc_macro2::Ident) -> Option<proc_macro2::Ident> {
    mentions(ty, |path| path.segments.first().filter(|first| path.segments.len() == 1 && first.ident == *name))
}

fn mentions(ty: &Type, wanted: impl Fn(&Path) -> Option<&syn::PathSegment>) -> Option<proc_macro2::Ident> {
    struct Find<F> {
        wanted: F,
        found: Option<proc_macro2::Ident>,
    }
    impl<'ast, F: Fn(&Path) -> Option<&syn::PathSegment>> Visit<'ast> for Find<F> {
        fn visit_path(&mut self, path: &'ast Path) {
            if let Some(segment) = (self.wanted)(path) {
                self.found.get_or_insert(segment.ident.clone());
            }
            visit::visit_path(self, path);
        }
    }
    let mut find = Find { wanted, found: None };
    find.visit_type(ty);
    find.found
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;
    use syn::parse_quote;

    #[test]
    fn contexts() {
        let table: [(Type, Option<Context>); 6] = [
            (parse_quote!(&mut Cx<Self>), Some(Context::Mutable)),
            (parse_quote!(&'a mut rusm::Cx<Counter>), Some(Context::Mutable)),
            (parse_quote!(&Cx<Self>), Some(Context::Wrong)),
            (parse_quote!(Cx<Self>), Some(Context::Wrong)),
            (parse_quote!(&mut String), None),
            (parse_quote!(Vec<Cx<Self>>), None),
        ];
        for (ty, expected) in table {
            assert_eq!(context(&ty), expected, "{}", ty.to_token_stream());
        }
    }

    #[test]
    fn streams() {
        let table: [(Type, Option<Type>); 6] = [
            (parse_quote!(impl Stream<Item = u8>), Some(parse_quote!(u8))),
            (parse_quote!((impl Send + futures::Stream<Item = Vec<u8>> + use<>)), Some(parse_quote!(Vec<u8>))),
            (parse_quote!(impl Stream), None),
            (parse_quote!(impl Iterator<Item = u8>), None),
            (parse_quote!(Box<dyn Stream<Item = u8>>), None),
            (parse_quote!(Result<impl Stream<Item = u8>, u8>), None),
        ];
        for (ty, expected) in table {
            assert_eq!(stream_item(&ty), expected.as_ref(), "{}", ty.to_token_stream());
        }
    }

    #[test]
    fn self_is_spelled_out() {
        let own: Path = parse_quote!(shop::Counter);
        let ty = without_self(&parse_quote!(Vec<(Self, Option<Self::Item>, u8)>), &own);
        let expected: Type = parse_quote!(Vec<(shop::Counter, Option<shop::Counter::Item>, u8)>);
        assert_eq!(ty, expected);
    }

    #[test]
    fn owned_data() {
        let table: [(Type, usize); 11] = [
            (parse_quote!(Vec<(u8, std::string::String)>), 0),
            (parse_quote!(std::borrow::Cow<'static, str>), 0),
            (parse_quote!([u8; 4]), 0),
            (parse_quote!(&str), 1),
            (parse_quote!((Vec<&'a str>, Option<&mut u8>)), 2),
            (parse_quote!(Cow<'a, str>), 1),
            (parse_quote!(Box<dyn Error + 'static>), 1),
            (parse_quote!(impl Into<String>), 1),
            (parse_quote!(fn(&u8)), 1),
            (parse_quote!(!), 1),
            (parse_quote!(Vec<_>), 1),
        ];
        for (ty, expected) in table {
            let cx = Ctxt::default();
            check_owned(&cx, &ty);
            assert_eq!(cx.count(), expected, "{}", ty.to_token_stream());
        }
    }
}
