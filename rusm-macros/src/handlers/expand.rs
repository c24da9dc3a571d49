//! What is generated for a module of actions.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse_quote_spanned;
use syn::spanned::Spanned;

use super::lower::action_name;
use super::{Action, Handlers};
use crate::ctxt::Ctxt;
use crate::lifecycle::package;
use crate::method::awaited;
use crate::{doc, naming};

impl Handlers {
    pub(super) fn expand(mut self, cx: Ctxt) -> TokenStream {
        let at = Span::mixed_site();
        let (constant, accessor) = (self.constant(), self.accessor());
        let errors = cx.finish();
        if let Some((_, items)) = &mut self.item.content {
            items.push(syn::Item::Verbatim(constant));
            items.push(syn::Item::Verbatim(accessor));
            // An entry whose functions have mistakes is not entered anywhere.
            if errors.is_empty() {
                items.push(parse_quote_spanned! {at=>
                    const _: () = {
                        ::rusm::__private::register_handlers!(__HANDLERS);
                    };
                });
            }
        }
        let mut tokens = self.item.into_token_stream();
        tokens.extend(errors);
        tokens
    }

    fn constant(&self) -> TokenStream {
        let module = &self.item.ident;
        let name = naming::plain(module);
        let package = package();
        let described = self.actions.iter().map(|action| {
            let (cfg, constant, described) = (&action.cfg, naming::constant(&action.ident), action.describe(module));
            quote!(#(#cfg)* const #constant: &::rusm::__private::Method = &#described;)
        });
        let methods = self.actions.iter().map(|action| {
            let (cfg, constant) = (&action.cfg, naming::constant(&action.ident));
            quote!(#(#cfg)* #constant)
        });
        let actions = self.actions.iter().map(|action| {
            let (cfg, constant, run) = (&action.cfg, naming::constant(&action.ident), action.run());
            quote!(#(#cfg)* ::rusm::__private::Action { method: #constant, run: #run })
        });
        quote_spanned! {Span::mixed_site()=>
            #[doc(hidden)]
            #[allow(deprecated)]
            const __HANDLERS: ::rusm::__private::Handlers = {
                #(#described)*
                ::rusm::__private::Handlers {
                    entry: &::rusm::__private::Entry {
                        kind: ::rusm::__private::EntryKind::Handlers,
                        name: #name,
                        package: #package,
                        init: ::core::option::Option::None,
                        methods: &[#(#methods),*],
                        on_exit: false,
                        on_terminate: false,
                    },
                    actions: &[#(#actions),*],
                }
            };
        }
    }

    fn accessor(&self) -> TokenStream {
        if self.taken {
            return TokenStream::new();
        }
        quote_spanned! {Span::mixed_site()=>
            /// The actions of this module, for a gateway to mount.
            #[allow(dead_code, unreachable_pub)]
            #[must_use]
            pub fn handlers() -> ::rusm::__private::Handlers {
                __HANDLERS
            }
        }
    }
}

impl Action {
    /// What crosses is a whole request and a whole response, so the arguments are not part of the schema.
    fn describe(&self, module: &Ident) -> TokenStream {
        let name = action_name(module, &self.ident);
        let doc = doc::summary(&self.docs);
        quote! {
            ::rusm::__private::Method::new(
                ::rusm::__private::MethodKind::Request,
                #name,
                &[],
                &::rusm::__private::Type::Unit,
                #doc,
            )
        }
    }

    /// Takes the arguments one by one, each under its own span, and runs the function.
    fn run(&self) -> TokenStream {
        let at = Span::mixed_site();
        let exchange = Ident::new(if self.args.is_empty() { "_exchange" } else { "exchange" }, at);
        let mutable = (!self.args.is_empty()).then(|| quote!(mut));
        let names: Vec<Ident> = (0..self.args.len()).map(|i| format_ident!("argument_{i}", span = at)).collect();
        let taken = names.iter().zip(&self.args).map(|(name, ty)| {
            let from_request = quote_spanned!(ty.span()=> <#ty as ::rusm::__private::FromRequest>::from_request);
            quote_spanned! {at=>
                let #name = match #from_request(&mut #exchange) {
                    ::core::result::Result::Ok(argument) => argument,
                    ::core::result::Result::Err(error) => return ::rusm::__private::IntoResponse::into_response(error),
                };
            }
        });
        let (ident, awaited) = (&self.ident, awaited(self.is_async));
        let returned = at.located_at(self.returned);
        let answer = quote_spanned!(returned=> self::#ident(#(#names),*) #awaited);
        // The future is checked at the function's name, its output at the type that it returns.
        let into_response = quote_spanned!(returned=> ::rusm::__private::IntoResponse::into_response(#answer));
        let future = quote_spanned! {at.located_at(self.ident.span())=>
            ::std::boxed::Box::pin(async move {
                #(#taken)*
                #into_response
            })
        };
        quote_spanned!(at=> |#mutable #exchange| #future)
    }
}
