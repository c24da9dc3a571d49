//! From a module to its actions, checking them.

use syn::spanned::Spanned;
use syn::{Item, ItemFn, ItemMod, ReturnType, Type, Visibility};

use super::{Action, Handlers};
use crate::attrs::{self, Inherited, Taken};
use crate::ctxt::{Ctxt, no_condition};
use crate::method::{check_clashes, check_plain, typed};
use crate::naming;
use crate::types;

/// The module itself comes back if nothing can be made of it.
pub(super) fn lower(cx: &Ctxt, mut item: ItemMod) -> Result<Handlers, Box<ItemMod>> {
    no_condition(cx, "handlers", &item.attrs);
    let name = item.ident.clone();
    let Some((_, items)) = &mut item.content else {
        cx.error(
            &name,
            format_args!("the macro can't see into another file: write `#[handlers] pub mod {name} {{ .. }}` with the functions in it"),
        );
        return Err(Box::new(item));
    };
    let mut actions = Vec::new();
    let mut taken = false;
    let mut seen = 0;
    for member in items {
        if let Some(ident) = defined(member).filter(|ident| *ident == "handlers") {
            cx.error(ident, "`handlers` is what lists this module's actions: call this something else");
            taken = true;
        }
        let Item::Fn(function) = member else { continue };
        let role = attrs::take_role(cx, &mut function.attrs);
        if let Taken::Role(_, attr) = &role {
            cx.error(attr, "this belongs to actors: an action is a plain function");
        }
        if !matches!(function.vis, Visibility::Public(_)) || function.sig.ident == "handlers" {
            continue;
        }
        seen += 1;
        let (action, sound) = cx.sound(|| lower_action(cx, function));
        if sound && matches!(role, Taken::None) {
            actions.push(action);
        }
    }
    if seen == 0 && !taken {
        cx.error(&name, "this module has no actions: make the functions that answer requests `pub`");
    }
    let mut clashing = check_clashes(cx, &mut actions, |action| {
        (action.ident.clone(), action_name(&name, &action.ident), &action.cfg)
    });
    clashing.dedup();
    // From the last, so that the other indices stay what they are.
    for later in clashing.into_iter().rev() {
        actions.remove(later);
    }
    Ok(Handlers { item, actions, taken })
}

/// The name that an item takes in the module's namespace of values, as far as it may be ours.
fn defined(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Fn(function) => Some(&function.sig.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Const(item) => Some(&item.ident),
        _ => None,
    }
}

fn lower_action(cx: &Ctxt, function: &ItemFn) -> Action {
    let sig = &function.sig;
    check_plain(cx, sig, "an action");
    if let Some(receiver) = sig.receiver() {
        cx.error(receiver, "an action is a plain function: it has no `self`");
    }
    let mut args = Vec::new();
    for typed in typed(sig) {
        attrs::no_cfg(
            cx,
            &typed.attrs,
            "the arguments of an action must not depend on `cfg`: use two functions instead",
        );
        match types::bare(&typed.ty) {
            Type::Reference(_) => {
                cx.error(&typed.ty, "an action owns its arguments: take this by value, not by reference")
            }
            Type::ImplTrait(_) => cx.error(&typed.ty, "name the type: it decides what is taken from the request"),
            _ => {}
        }
        args.push((*typed.ty).clone());
    }
    let Inherited { cfg, docs, .. } = Inherited::from(&function.attrs);
    let returned = match &sig.output {
        ReturnType::Default => sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    Action { ident: sig.ident.clone(), is_async: sig.asyncness.is_some(), args, returned, cfg, docs }
}

/// The name of an action on the wire and in routes.
pub(super) fn action_name(module: &syn::Ident, action: &syn::Ident) -> String {
    format!("{}::{}", naming::plain(module), naming::plain(action))
}
