//! What is generated for a supervisor: its ref, and what starts it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::settings::Setting;
use super::{Child, Supervisor};
use crate::attrs::Inherited;
use crate::ctxt::Ctxt;
use crate::{doc, naming};

impl Supervisor {
    pub(super) fn expand(&self, cx: Ctxt) -> TokenStream {
        let (item, reference, implementations) = (&self.item, self.reference(), self.implementations());
        let errors = cx.finish();
        quote! {
            #item
            #reference
            const _: () = { #implementations };
            #errors
        }
    }

    /// The type's own name.
    fn name(&self) -> Ident {
        let last = self.own.segments.last();
        last.map_or_else(|| Ident::new("Supervisor", Span::call_site()), |last| last.ident.clone())
    }

    fn reference_name(&self) -> Ident {
        let name = self.name();
        format_ident!("{}Ref", naming::plain(&name), span = name.span())
    }

    /// The ref, for the user's own scope.
    fn reference(&self) -> TokenStream {
        let reference = self.reference_name();
        let about = format!(
            " Reaches the children of a running [`{}`]: a method for each of them.\n\n Clients find the child's process at each \
             message, so they survive its restarts. All else that a ref to a supervisor can do is there by `Deref`.",
            naming::plain(&self.name())
        );
        let fields = self.children.iter().map(|child| {
            let (field, client, cfg) = (child.field(), child.client(), &child.inherited.cfg);
            quote_spanned!(child.at()=> #(#cfg)* #field: #client)
        });
        let methods = self.children.iter().map(|child| {
            let Inherited { cfg, docs, deprecated } = &child.inherited;
            let (ident, field, client) = (&child.ident, child.field(), child.client());
            let docs = if doc::text(docs).is_empty() {
                let about = format!(" The child `{}`.", naming::plain(ident));
                quote!(#[doc = #about])
            } else {
                quote!(#(#docs)*)
            };
            quote_spanned! {child.at()=>
                #(#cfg)*
                #docs
                #(#deprecated)*
                pub fn #ident(&self) -> &#client {
                    &self.#field
                }
            }
        });
        // The children's types may be less visible than the ref; the supervisor itself may have no other user.
        quote_spanned! {Span::mixed_site()=>
            #[doc = #about]
            #[allow(dead_code, private_interfaces, unreachable_pub)]
            pub struct #reference {
                tree: ::rusm::__private::SupervisorRef,
                #(#fields,)*
            }

            #[allow(dead_code, private_interfaces, unreachable_pub)]
            #[automatically_derived]
            impl #reference { #(#methods)* }
        }
    }

    fn implementations(&self) -> TokenStream {
        let at = Span::mixed_site();
        let (own, reference) = (&self.own, self.reference_name());
        let (name, reference_text) = (naming::plain(&self.name()), reference.to_string());
        let settings = settings(&self.settings);
        let children = self.children.iter().map(|child| child.added(own));
        let fields = self.children.iter().map(|child| {
            let (cfg, field, ty) = (&child.inherited.cfg, child.field(), &child.ty);
            let id = naming::plain(&child.ident);
            let running = Ident::new("running", at);
            quote_spanned!(child.at()=> #(#cfg)* #field: #running.client::<#ty>(#id)?)
        });
        let cloned = self.children.iter().map(|child| {
            let (cfg, field) = (&child.inherited.cfg, child.field());
            quote_spanned!(child.at()=> #(#cfg)* #field: ::core::clone::Clone::clone(&self.#field))
        });
        quote_spanned! {at=>
            #[automatically_derived]
            impl ::rusm::__private::Tree for #own {
                type Ref = #reference;
                #[allow(deprecated)]
                fn into_supervisor(self) -> ::rusm::__private::Supervisor {
                    let own = ::std::sync::Arc::new(self);
                    let supervisor = ::rusm::__private::Supervisor::new().label(#name)#settings;
                    #(#children)*
                    ::core::mem::drop(own);
                    supervisor
                }
                fn reference(running: &::rusm::__private::SupervisorRef) -> ::core::option::Option<#reference> {
                    ::core::option::Option::Some(#reference {
                        tree: ::core::clone::Clone::clone(running),
                        #(#fields,)*
                    })
                }
            }

            #[automatically_derived]
            impl ::rusm::__private::Supervised for #own {
                type Args = Self;
                type Client = #reference;
                const IS_TREE: bool = true;
                fn start(
                    child: ::rusm::__private::Child<Self>,
                    starter: ::rusm::__private::Starter,
                ) -> ::rusm::__private::Starting {
                    ::rusm::__private::start_tree(child, starter)
                }
                fn client(
                    supervisor: &::rusm::__private::SupervisorRef,
                    id: &str,
                ) -> ::core::option::Option<#reference> {
                    ::rusm::__private::tree_client::<Self>(supervisor, id)
                }
            }

            #[automatically_derived]
            impl ::core::clone::Clone for #reference {
                fn clone(&self) -> Self {
                    Self { tree: ::core::clone::Clone::clone(&self.tree), #(#cloned,)* }
                }
            }

            #[automatically_derived]
            impl ::core::ops::Deref for #reference {
                type Target = ::rusm::__private::SupervisorRef;
                fn deref(&self) -> &::rusm::__private::SupervisorRef {
                    &self.tree
                }
            }

            #[automatically_derived]
            impl ::core::fmt::Debug for #reference {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    // The clients need not be `Debug`.
                    f.debug_tuple(#reference_text).field(&self.tree).finish()
                }
            }
        }
    }
}

impl Child {
    /// Apart from `tree`, whatever the child is called.
    fn field(&self) -> Ident {
        format_ident!("child_{}", naming::plain(&self.ident), span = Span::mixed_site())
    }

    /// Under the child's type: if that is none of a child, it is said there.
    fn at(&self) -> Span {
        Span::mixed_site().located_at(self.ty.span())
    }

    fn client(&self) -> TokenStream {
        let ty = &self.ty;
        quote_spanned!(self.at()=> <#ty as ::rusm::__private::Supervised>::Client)
    }

    fn added(&self, own: &syn::Path) -> TokenStream {
        let at = self.at();
        let Self { ident, ty, inherited, .. } = self;
        let (cfg, id, settings) = (&inherited.cfg, naming::plain(ident), settings(&self.settings));
        quote_spanned! {at=>
            #(#cfg)*
            let supervisor = {
                let own = ::std::sync::Arc::clone(&own);
                let child = ::rusm::__private::ChildSpec::of::<#ty>(#id, move || #own::#ident(&own));
                supervisor.child(child #settings)
            };
        }
    }
}

/// Each setting is a method of the builder.
fn settings(settings: &[Setting]) -> TokenStream {
    settings
        .iter()
        .map(|Setting { name, value }| {
            let method = Ident::new(&name.to_string(), Span::mixed_site().located_at(value.span()));
            quote!(.#method(#value))
        })
        .collect()
}
