//! From an `impl` block to an actor, checking it.

use proc_macro2::{Span, TokenStream};
use syn::{ImplItem, ImplItemFn, ItemImpl, Path, ReturnType, Type, Visibility};

use super::Actor;
use crate::attrs::{self, Role, Taken};
use crate::ctxt::{Ctxt, no_condition};
use crate::lifecycle::Lifecycle;
use crate::machine;
use crate::messages::MessageSet;
use crate::method::{Form, Method, Place, check_methods, own_stream};
use crate::types;

/// The block itself comes back if nothing can be made of it.
pub(super) fn lower(cx: &Ctxt, mut item: ItemImpl, state: Option<Type>) -> Result<Actor, Box<ItemImpl>> {
    let Some(own) = own_path(cx, &item) else {
        strip(cx, &mut item);
        return Err(Box::new(item));
    };
    let ((), possible) = cx.sound(|| check_header(cx, &item));
    let mut methods = Vec::new();
    let mut life = Lifecycle::of_states(state);
    for function in functions(&mut item) {
        lower_function(cx, &own, function, &mut methods, &mut life);
    }
    check_methods(cx, &mut methods);
    life.finish(cx, &own);
    // A type's generics mean nothing to the items beside it.
    if !possible {
        methods.iter_mut().for_each(|method| method.broken = true);
    }
    let name = last(&own);
    // An associated type may not be less visible than the trait and the type, whose visibility is not known here; the
    // client's methods have the visibility of the actor's.
    let vis = Visibility::Public(syn::token::Pub(Span::mixed_site()));
    Ok(Actor { item, messages: MessageSet { name, vis, methods }, own, life, possible })
}

fn last(own: &Path) -> syn::Ident {
    own.segments.last().map_or_else(|| syn::Ident::new("Actor", Span::call_site()), |segment| segment.ident.clone())
}

/// The path of the type, without its generics.
fn own_path(cx: &Ctxt, item: &ItemImpl) -> Option<Path> {
    match types::bare(&item.self_ty) {
        Type::Path(ty) if ty.qself.is_none() => {
            let mut path = ty.path.clone();
            for segment in &mut path.segments {
                segment.arguments = syn::PathArguments::None;
            }
            Some(path)
        }
        other => {
            cx.error(other, "`#[actor]` takes the `impl` block of a struct or an enum");
            None
        }
    }
}

fn check_header(cx: &Ctxt, item: &ItemImpl) {
    no_condition(cx, "actor", &item.attrs);
    if let Some((contract, _)) = &item.trait_ {
        cx.error(
            contract,
            "`#[actor]` takes an `impl` block without a trait: to implement a contract, use `#[service]`",
        );
    }
    if let Some(token) = &item.unsafety {
        cx.error(token, "an actor's block can't be `unsafe`");
    }
    if !item.generics.params.is_empty() {
        cx.error(&item.generics, "an actor has one form on the wire: generics are not possible, name the types");
    } else if let Type::Path(ty) = types::bare(&item.self_ty) {
        for segment in ty.path.segments.iter().filter(|segment| !segment.arguments.is_none()) {
            cx.error(&segment.arguments, "an actor is a type of its own: wrap this in a struct without generics");
        }
    }
}

fn functions(item: &mut ItemImpl) -> impl Iterator<Item = &mut ImplItemFn> {
    item.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

/// Takes our attributes off a block that can't be lowered.
fn strip(cx: &Ctxt, item: &mut ItemImpl) {
    for function in functions(item) {
        let _ = machine::take_postpone(cx, &mut function.attrs);
        let _ = attrs::take_role(cx, &mut function.attrs);
    }
}

fn lower_function(cx: &Ctxt, own: &Path, function: &mut ImplItemFn, methods: &mut Vec<Method>, life: &mut Lifecycle) {
    let postpone = machine::take_postpone(cx, &mut function.attrs);
    let before = methods.len();
    lower_role(cx, own, function, methods, life);
    let Some((attr, postpone)) = postpone else { return };
    if life.state.is_none() {
        cx.error(&attr, "only a state machine postpones: name the type of its states, `#[actor(state = Phase)]`");
    }
    match methods.get_mut(before) {
        Some(method) => method.postpone = postpone,
        None => cx.error(&attr, "`#[postpone(..)]` is for messages, and this is none"),
    }
}

fn lower_role(cx: &Ctxt, own: &Path, function: &mut ImplItemFn, methods: &mut Vec<Method>, life: &mut Lifecycle) {
    let role = attrs::take_role(cx, &mut function.attrs);
    let place = Place::Actor(own);
    let ImplItemFn { attrs, vis, sig, .. } = function;
    let public = is_public(vis);
    match role {
        Taken::Role(Role::Init, role) => life.init(cx, own, *role, attrs, sig),
        Taken::Role(Role::On(event), role) => life.hook(cx, event, &role, attrs, sig),
        Taken::Role(role @ (Role::Cast | Role::Stream), attr) if !public => {
            let name = if role == Role::Cast { "cast" } else { "stream" };
            cx.error(
                &attr,
                format_args!(
                    "`#[{name}]` is for messages, and a private method is none: make it `pub`, or remove `#[{name}]`"
                ),
            );
        }
        Taken::Role(Role::Cast, _) => methods.push(Method::lower(cx, &place, vis, attrs, sig, Form::Cast)),
        Taken::Role(Role::Stream, _) => {
            methods.push(Method::lower(cx, &place, vis, attrs, sig, Form::Stream));
            own_stream(sig, &TokenStream::new());
        }
        Taken::None if public => methods.push(Method::lower(cx, &place, vis, attrs, sig, Form::Call)),
        Taken::Broken if public && sig.receiver().is_some() => {
            let mut method = Method::lower(cx, &place, vis, attrs, sig, Form::Call);
            method.broken = true;
            methods.push(method);
        }
        Taken::None | Taken::Broken => {}
    }
}

/// The stand-in of a method whose role was reported already; its signature is not looked at.
pub(crate) fn stand_in(place: &Place<'_>, vis: &Visibility, attrs: &[syn::Attribute], sig: &syn::Signature) -> Method {
    let unheard = Ctxt::default();
    let mut sig = sig.clone();
    sig.output = ReturnType::Default;
    let mut method = Method::lower(&unheard, place, vis, attrs, &sig, Form::Call);
    method.broken = true;
    method
}

/// `pub(self)` is what no visibility at all is.
fn is_public(vis: &Visibility) -> bool {
    match vis {
        Visibility::Public(_) => true,
        Visibility::Restricted(restricted) => !restricted.path.is_ident("self"),
        Visibility::Inherited => false,
    }
}
