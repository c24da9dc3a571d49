//! What makes an actor a state machine: `#[actor(state = Phase)]`, `#[postpone(..)]` and two events.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Meta, Pat, Path, Token, Type};

use crate::ctxt::Ctxt;
use crate::messages::MessageSet;
use crate::naming;

/// What stands in `#[actor(..)]`.
pub(crate) struct Arguments {
    state: Type,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name: Ident = input.parse()?;
        if name != "state" {
            return Err(syn::Error::new(
                name.span(),
                "there is one argument: `state = ..`, the type of a state machine's states",
            ));
        }
        input.parse::<Token![=]>()?;
        let state = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Self { state })
    }
}

/// The type of the states, if the actor has some.
pub(crate) fn states(cx: &Ctxt, arguments: TokenStream) -> Option<Type> {
    if arguments.is_empty() {
        return None;
    }
    match syn::parse2::<Arguments>(arguments) {
        Ok(arguments) => Some(arguments.state),
        Err(error) => {
            cx.push(error);
            None
        }
    }
}

/// In which states a message waits for another one.
pub(crate) struct Postpone {
    pattern: Pat,
    guard: Option<Expr>,
}

impl Parse for Postpone {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = input.parse::<Option<Token![if]>>()?.map(|_| input.parse()).transpose()?;
        Ok(Self { pattern, guard })
    }
}

/// Takes `#[postpone(..)]` off a function, with the attribute for errors about it.
pub(crate) fn take_postpone(cx: &Ctxt, attrs: &mut Vec<Attribute>) -> Option<(Attribute, Option<Postpone>)> {
    let mut taken: Option<(Attribute, Option<Postpone>)> = None;
    attrs.retain(|attr| {
        if !attr.path().is_ident("postpone") {
            return true;
        }
        if taken.is_some() {
            cx.error(attr, "write one `#[postpone(..)]`: a pattern may have alternatives, `A | B`");
            return false;
        }
        let postpone = match &attr.meta {
            Meta::List(list) if !list.tokens.is_empty() => match list.parse_args::<Postpone>() {
                Ok(postpone) => Some(postpone),
                Err(error) => {
                    cx.push(error);
                    None
                }
            },
            _ => {
                cx.error(attr, "`#[postpone(..)]` says in which states the message waits: `#[postpone(Phase::Busy)]`");
                None
            }
        };
        taken = Some((attr.clone(), postpone));
        false
    });
    taken
}

/// `type Machine` of an actor.
pub(crate) fn machine_type(state: Option<&Type>, message: &TokenStream) -> TokenStream {
    match state {
        None => quote!(()),
        Some(state) => quote!(::rusm::__private::Machine<#state, #message>),
    }
}

/// `impl StateMachine`, with the expanded hooks for its two events.
pub(crate) fn expand(own: &Path, state: &Type, messages: &MessageSet, hooks: &[TokenStream]) -> TokenStream {
    let at = Span::mixed_site();
    let message = messages.message();
    let (given, current) = (Ident::new("message", at), Ident::new("state", at));
    let mut arms = messages.methods.iter().filter(|method| !method.broken).filter_map(|method| {
        let Postpone { pattern, guard } = method.postpone.as_ref()?;
        let (cfg, variant) = (&method.inherited.cfg, naming::camel(&method.ident));
        // A guard may look at the arguments.
        let names = method.names().filter(|_| guard.is_some()).map(ToTokens::to_token_stream);
        let guard = guard.as_ref().map(|guard| quote!(if #guard));
        Some(quote_spanned! {at=>
            #(#cfg)*
            #message::#variant { #(#names,)* .. } => ::core::matches!(#current, #pattern #guard)
        })
    });
    let first = arms.next();
    let postpones = first.map(|first| {
        quote_spanned! {at=>
            #[allow(unused_variables, unreachable_patterns)]
            fn postpones(
                #given: &<Self as ::rusm::__private::Actor>::Message,
                #current: &<Self as ::rusm::__private::StateMachine>::State,
            ) -> bool {
                match #given {
                    #first,
                    #(#arms,)*
                    _ => false,
                }
            }
        }
    });
    quote_spanned! {at=>
        ::rusm::__private::state_machine! {
            #[automatically_derived]
            impl ::rusm::__private::StateMachine for #own {
                type State = #state;
                #postpones
                #(#hooks)*
            }
        }
    }
}
