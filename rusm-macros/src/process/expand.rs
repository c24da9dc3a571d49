//! What is generated for a process that is a function.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::{Process, Sound};
use crate::ctxt::Ctxt;
use crate::lifecycle::package;
use crate::messages;
use crate::naming;

impl Process {
    pub(super) fn expand(&self, cx: Ctxt) -> TokenStream {
        let item = &self.item;
        let types = self.types();
        let client = self.client_impl();
        let process = self.sound.as_ref().map(|sound| self.process(sound));
        let errors = cx.finish();
        quote! {
            #item
            #types
            const _: () = {
                #client
                #process
            };
            #errors
        }
    }

    fn client(&self) -> Ident {
        format_ident!("{}Client", naming::camel(self.name()), span = self.name().span())
    }

    /// What the addresses of the process carry.
    fn letter(&self) -> TokenStream {
        match &self.sound {
            // Where the message is named, so that one which is no `Wire` is reported there.
            Some(Sound { message, .. }) => {
                quote_spanned!(Span::mixed_site().located_at(message.span())=> ::rusm::__private::Letter<#message>)
            }
            None => quote!(::rusm::__private::Letter<()>),
        }
    }

    /// The type that the process is spawned by, and its client.
    fn types(&self) -> TokenStream {
        let (vis, own, client, letter) = (&self.item.vis, self.name(), self.client(), self.letter());
        let name = naming::plain(own);
        let about_own = format!(" The process [`{name}`](fn@{name}), as it is named to spawn it.");
        let about_client = format!(
            " Sends messages to [`{name}`](fn@{name}), wherever that process is.\n\n Cloning it is cheap; the clones address the \
             same process."
        );
        quote! {
            #[doc = #about_own]
            #[allow(dead_code, non_camel_case_types, unreachable_pub)]
            #[derive(Debug)]
            #vis enum #own {}

            #[doc = #about_client]
            #[allow(dead_code, non_camel_case_types, private_interfaces, unreachable_pub)]
            #[derive(Clone, Debug)]
            #vis struct #client(::rusm::__private::Address<#letter>);
        }
    }

    fn client_impl(&self) -> TokenStream {
        let at = Span::mixed_site();
        let (vis, letter) = (&self.item.vis, self.letter());
        let name = naming::plain(self.name());
        let about = format!(" Sends a message to [`{name}`](fn@{name}).");
        let send = match &self.sound {
            Some(Sound { message, .. }) => quote_spanned! {at=>
                #[doc = #about]
                #vis fn send(&self, message: #message) -> ::rusm::__private::Cast<'_, #letter, (#message,)> {
                    ::rusm::__private::Cast::new(
                        &self.0,
                        <#letter>::METHOD,
                        (message,),
                        |(message,)| ::rusm::__private::Letter(message),
                    )
                }
            },
            // Takes anything, for a process whose mistakes have been reported: its senders are all right.
            None => quote_spanned! {at=>
                #[allow(missing_docs)]
                #vis fn send<T>(&self, _message: T) -> ::rusm::__private::Cast<'_, #letter, ()> {
                    ::core::unreachable!()
                }
            },
        };
        messages::client_impl(&self.client(), vis, &letter, &send)
    }

    fn process(&self, sound: &Sound) -> TokenStream {
        let at = Span::mixed_site();
        let Sound { message, args, list, output } = sound;
        let (own, client, letter) = (self.name(), self.client(), self.letter());
        let (name, package) = (naming::plain(own), package());
        let args_type = args_type(args, *list);
        let names: Vec<Ident> = (0..args.len()).map(|i| format_ident!("argument_{i}", span = at)).collect();
        let pattern = match names.as_slice() {
            [] => quote!(()),
            [one] => quote!(#one),
            several => quote!((#(#several),*)),
        };
        let inbox = Ident::new("inbox", at);
        let called = quote_spanned!(at.located_at(*output)=> #own(#inbox, #(#names),*));
        let ended = quote_spanned!(at.located_at(*output)=> ::rusm::__private::ended(#called));
        quote_spanned! {at=>
            #[allow(deprecated)]
            #[automatically_derived]
            impl ::rusm::__private::RawProcess for #own {
                type Args = #args_type;
                type Message = #message;
                type Client = #client;
                const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
                    kind: ::rusm::__private::EntryKind::Process,
                    name: #name,
                    package: #package,
                    init: ::core::option::Option::Some({
                        // `Args` was checked where it is named; seen through `RawProcess`, it is not checked again.
                        const fn schema<P: ::rusm::__private::RawProcess>() -> &'static ::rusm::__private::Type {
                            <P::Args as ::rusm::__private::Wire>::SCHEMA
                        }
                        schema::<Self>()
                    }),
                    methods: <#letter as ::rusm::__private::Message>::METHODS,
                    on_exit: false,
                    on_terminate: false,
                };
                fn run(
                    #inbox: ::rusm::__private::Inbox<#message>,
                    #pattern: <Self as ::rusm::__private::RawProcess>::Args,
                ) -> impl ::core::future::Future<Output = ::rusm::__private::Exit> + ::core::marker::Send {
                    #ended
                }
            }
            ::rusm::__private::register_process!(#own);
        }
    }
}

/// No argument is `()`, one is itself, more are a tuple. If it is no `Wire`, that is reported under the arguments.
fn args_type(args: &[Type], list: Span) -> TokenStream {
    match args {
        [one] => quote!(#one),
        several => quote_spanned!(Span::mixed_site().located_at(list)=> (#(#several),*)),
    }
}
