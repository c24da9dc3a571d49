//! The messages of an actor or a contract as items: the enum, its description, and the client.
//!
//! For `Counter` with a method `add` these are `CounterMessage::Add { by, reply }`, a constant that describes the method,
//! `impl Message`, and `CounterClient::add`. Everything local is named at mixed-site hygiene, so that no name of the user
//! is shadowed; what the user reads, goes to or is told about keeps the user's span.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Type, Visibility};

use crate::lifecycle::context_name;
use crate::method::{Kind, Method, Param, awaited};
use crate::{doc, naming};

/// The messages of one actor or contract.
pub(crate) struct MessageSet {
    /// The actor's or the contract's name.
    pub name: Ident,
    /// Of the enum and the client.
    pub vis: Visibility,
    pub methods: Vec<Method>,
}

impl MessageSet {
    pub(crate) fn message(&self) -> Ident {
        format_ident!("{}Message", naming::plain(&self.name), span = self.name.span())
    }

    pub(crate) fn client(&self) -> Ident {
        format_ident!("{}Client", naming::plain(&self.name), span = self.name.span())
    }

    /// The methods that really become messages.
    fn sound(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| !method.broken)
    }

    /// The enum and the client's struct, for the user's own scope.
    pub(crate) fn types(&self) -> TokenStream {
        let (vis, message, client) = (&self.vis, self.message(), self.client());
        let name = naming::plain(&self.name);
        let about_message = format!(" The messages of [`{name}`]: one for each of its methods.");
        let about_client = format!(
            " Sends the messages of [`{name}`], wherever the process that handles them is.\n\n Cloning it is cheap; the clones \
             address the same process."
        );
        let variants = self.sound().map(|method| {
            let variant = naming::camel(&method.ident);
            let cfg = &method.inherited.cfg;
            let about = format!(" `{}`", naming::plain(&method.ident));
            let (names, types) = (method.names(), method.types());
            let reply = method.has_reply().then(|| {
                let (field, output) = (method.reply_field(), &method.output);
                let reply = if method.kind == Kind::Stream { quote!(StreamReply) } else { quote!(Reply) };
                quote!(#field: ::rusm::__private::#reply<#output>)
            });
            let fields =
                (!method.args.is_empty() || method.has_reply()).then(|| quote!({ #(#names: #types,)* #reply }));
            quote!(#(#cfg)* #[doc = #about] #variant #fields)
        });
        // The user's types may be less visible than the methods that mention them; the fields are named and documented
        // by the methods; the size of a variant is that of the arguments.
        quote! {
            #[doc = #about_message]
            #[allow(
                dead_code,
                missing_docs,
                non_camel_case_types,
                non_snake_case,
                private_interfaces,
                unreachable_pub,
                clippy::enum_variant_names,
                clippy::large_enum_variant
            )]
            #vis enum #message { #(#variants),* }

            #[doc = #about_client]
            #[allow(dead_code, non_camel_case_types, unreachable_pub)]
            #[derive(Clone, Debug)]
            #vis struct #client(::rusm::__private::Address<#message>);
        }
    }

    /// The implementations, for inside `const _`.
    pub(crate) fn implementations(&self) -> TokenStream {
        let constants = self.constants();
        let message = self.message_impl();
        let client = self.client_impl();
        quote!(#constants #message #client)
    }

    fn constants(&self) -> TokenStream {
        let message = self.message();
        let constants = self.sound().map(|method| {
            let constant = naming::constant(&method.ident);
            let described = describe(method);
            let cfg = &method.inherited.cfg;
            quote!(#(#cfg)* const #constant: &'static ::rusm::__private::Method = &#described;)
        });
        quote! {
            #[allow(dead_code)]
            #[automatically_derived]
            impl #message { #(#constants)* }
        }
    }

    fn message_impl(&self) -> TokenStream {
        let at = Span::mixed_site();
        let message = self.message();
        let name = message.to_string();
        let listed = self.sound().map(|method| {
            let (cfg, constant) = (&method.inherited.cfg, naming::constant(&method.ident));
            quote!(#(#cfg)* Self::#constant)
        });
        let which = self.sound().map(|method| {
            let (cfg, constant) = (&method.inherited.cfg, naming::constant(&method.ident));
            let variant = naming::camel(&method.ident);
            quote!(#(#cfg)* Self::#variant { .. } => Self::#constant)
        });
        let which = if self.sound().next().is_some() {
            quote_spanned!(at=> match self { #(#which),* })
        } else {
            quote_spanned!(at=> match *self {})
        };
        let incoming = Ident::new("incoming", at);
        let taken = self.sound().map(|method| self.taken(method, &incoming));
        quote_spanned! {at=>
            #[allow(non_snake_case)]
            #[automatically_derived]
            impl ::rusm::__private::Message for #message {
                const METHODS: &'static [&'static ::rusm::__private::Method] = &[#(#listed),*];
                fn method(&self) -> &'static ::rusm::__private::Method {
                    #which
                }
                fn from_wire(
                    #incoming: ::rusm::__private::Incoming,
                ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
                    #(#taken)*
                    ::core::result::Result::Err(#incoming.unknown())
                }
            }
            #[automatically_derived]
            impl ::core::fmt::Debug for #message {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    // The arguments need not be `Debug`.
                    let method = ::rusm::__private::Message::method(self);
                    f.debug_tuple(#name).field(&method.name).finish()
                }
            }
        }
    }

    /// The part of `from_wire` that takes this method's arguments.
    fn taken(&self, method: &Method, incoming: &Ident) -> TokenStream {
        let at = Span::mixed_site();
        let (cfg, constant) = (&method.inherited.cfg, naming::constant(&method.ident));
        let (variant, names) = (naming::camel(&method.ident), method.names());
        let args = args_pattern(method);
        if method.kind == Kind::Stream {
            return quote_spanned! {at=>
                #(#cfg)*
                if #incoming.method() == const { Self::#constant.id() } {
                    return ::core::result::Result::Err(
                        ::rusm::__private::refuse_stream(#incoming, Self::#constant),
                    );
                }
            };
        }
        let to = Ident::new(if method.has_reply() { "to" } else { "_to" }, at);
        let reply = method.has_reply().then(|| {
            let field = method.reply_field();
            quote_spanned!(at=> #field: #to.reply())
        });
        quote_spanned! {at=>
            #(#cfg)*
            if #incoming.method() == const { Self::#constant.id() } {
                let (#args, #to) = #incoming.arguments(Self::#constant)?;
                return ::core::result::Result::Ok(Self::#variant { #(#names,)* #reply });
            }
        }
    }

    fn client_impl(&self) -> TokenStream {
        let message = self.message();
        let methods = self.methods.iter().map(|method| match method.broken {
            false => self.client_method(method),
            true => self.stand_in(method),
        });
        client_impl(&self.client(), &self.vis, &quote!(#message), &quote!(#(#methods)*))
    }

    fn client_method(&self, method: &Method) -> TokenStream {
        let at = Span::mixed_site();
        let (message, constant) = (self.message(), naming::constant(&method.ident));
        let Method { ident, vis, output, inherited, .. } = method;
        let crate::attrs::Inherited { cfg, deprecated, .. } = inherited;
        let docs = self.docs(method);
        let variant = naming::camel(ident);
        let (names, types) = (method.names().collect::<Vec<_>>(), method.types().collect::<Vec<_>>());
        let args = args_pattern(method);
        let packed = quote!((#(#types,)*));
        let to = quote_spanned!(at=> &self.0);
        let head = quote!(#(#cfg)* #docs #(#deprecated)*);
        match method.kind {
            Kind::Cast => quote_spanned! {at=>
                #head
                #vis fn #ident(&self, #(#names: #types),*) -> ::rusm::__private::Cast<'_, #message, #packed> {
                    ::rusm::__private::Cast::new(#to, #message::#constant, #args, |#args| #message::#variant { #(#names),* })
                }
            },
            Kind::Call | Kind::Deferred | Kind::Stream => {
                let call = call_type(method.kind);
                let reply = Ident::new("reply", at);
                let field = method.reply_field();
                let field = if field == "reply" { quote!(#field) } else { quote!(#field: #reply) };
                quote_spanned! {at=>
                    #head
                    #vis fn #ident(&self, #(#names: #types),*) -> ::rusm::__private::#call<'_, #message, #packed, #output> {
                        ::rusm::__private::#call::new(
                            #to,
                            #message::#constant,
                            #args,
                            |#args, #reply| #message::#variant { #(#names,)* #field },
                        )
                    }
                }
            }
        }
    }

    /// A client method that takes anything, for a method whose mistakes have been reported: its callers are all right.
    fn stand_in(&self, method: &Method) -> TokenStream {
        let at = Span::mixed_site();
        let message = self.message();
        let Method { ident, vis, inherited, .. } = method;
        let cfg = &inherited.cfg;
        let wanted = method.params.iter().filter(|param| matches!(param, Param::Arg(_))).count();
        let types: Vec<Ident> = (0..wanted).map(|i| format_ident!("T{i}", span = at)).collect();
        let names = (0..wanted).map(|i| format_ident!("_argument_{i}", span = at));
        let returned = match method.kind {
            Kind::Cast => quote!(::rusm::__private::Cast<'_, #message, ()>),
            Kind::Call | Kind::Deferred | Kind::Stream => {
                let call = call_type(method.kind);
                quote!(::rusm::__private::#call<'_, #message, (), ()>)
            }
        };
        quote_spanned! {at=>
            #(#cfg)*
            #[allow(missing_docs)]
            #vis fn #ident<#(#types),*>(&self, #(#names: #types),*) -> #returned {
                ::core::unreachable!()
            }
        }
    }

    fn docs(&self, method: &Method) -> TokenStream {
        let docs = &method.inherited.docs;
        if !docs.is_empty() {
            return quote!(#(#docs)*);
        }
        let (name, of) = (naming::plain(&method.ident), naming::plain(&self.name));
        let about = match method.kind {
            Kind::Cast => format!(" Sends `{name}` of [`{of}`]."),
            Kind::Call | Kind::Deferred => format!(" Calls `{name}` of [`{of}`]."),
            Kind::Stream => format!(" Opens the stream `{name}` of [`{of}`]."),
        };
        quote!(#[doc = #about])
    }

    /// Handles one `message` by calling the user's methods on `self`, as functions of `on`.
    pub(crate) fn dispatch(&self, on: &TokenStream) -> TokenStream {
        let at = Span::mixed_site();
        let received = Ident::new("message", at);
        let message = self.message();
        let cx = context_name(true);
        let arms = self.sound().map(|method| {
            let (variant, names, ident) = (naming::camel(&method.ident), method.names(), &method.ident);
            let cfg = &method.inherited.cfg;
            let field = method.has_reply().then(|| method.reply_field());
            let passed = method.params.iter().map(|param| match param {
                Param::Context => quote!(#cx),
                Param::Reply => quote!(#field),
                Param::Arg(i) => {
                    let name = &method.args[*i].ident;
                    quote!(#name)
                }
            });
            let awaited = awaited(method.is_async);
            let called = quote_spanned!(at=> #on::#ident(self, #(#passed),*) #awaited);
            let body = match method.kind {
                Kind::Call => {
                    let send = quote_spanned!(at.located_at(method.output.span())=> ::rusm::__private::Reply::send);
                    quote_spanned!(at=> #send(#field, #called))
                }
                Kind::Stream => {
                    let open =
                        quote_spanned!(at.located_at(method.output.span())=> ::rusm::__private::StreamReply::open);
                    quote_spanned!(at=> #open(#field, #called))
                }
                Kind::Cast | Kind::Deferred => called,
            };
            let fields = (!method.args.is_empty() || method.has_reply()).then(|| quote!({ #(#names,)* #field }));
            quote_spanned!(at=> #(#cfg)* #message::#variant #fields => #body)
        });
        quote_spanned!(at=> match #received { #(#arms),* })
    }

    pub(crate) fn uses_context(&self) -> bool {
        self.sound().any(Method::takes_context)
    }
}

/// A client of what takes these messages, with these methods beside those that every client has.
pub(crate) fn client_impl(
    client: &Ident,
    vis: &Visibility,
    message: &TokenStream,
    methods: &TokenStream,
) -> TokenStream {
    let at = Span::mixed_site();
    let about_named = " The process that is registered as `name` on `node`, looked up again at each call.\n\n # Errors\n The name is \
                       not a valid one.";
    let about_connect =
        " Whatever process is registered as `name` on the node of the caller, looked up again at each call.";
    let (node, name) = (Ident::new("node", at), Ident::new("name", at));
    quote_spanned! {at=>
        #[automatically_derived]
        impl ::rusm::__private::Client for #client {
            type Message = #message;
            fn from_address(address: ::rusm::__private::Address<#message>) -> Self {
                Self(address)
            }
            fn address(&self) -> &::rusm::__private::Address<#message> {
                &self.0
            }
        }
        #[allow(dead_code, non_snake_case, private_interfaces, unreachable_pub, clippy::too_many_arguments, clippy::type_complexity)]
        #[automatically_derived]
        impl #client {
            #[doc = #about_named]
            #vis fn named(
                #node: &::rusm::__private::Node,
                #name: &str,
            ) -> ::core::result::Result<Self, ::rusm::__private::NameError> {
                ::core::result::Result::map(::rusm::__private::Address::named(#node, #name), Self)
            }
            #[doc = #about_connect]
            #vis fn connect(#name: &str) -> Self {
                Self(::rusm::__private::Address::connect(#name))
            }
            #methods
        }
    }
}

/// What a client's method returns, by name.
fn call_type(kind: Kind) -> Ident {
    let name = match kind {
        Kind::Cast => "Cast",
        Kind::Call | Kind::Deferred => "Call",
        Kind::Stream => "StreamCall",
    };
    Ident::new(name, Span::mixed_site())
}

/// `(a, b,)`, as pattern or as expression.
fn args_pattern(method: &Method) -> TokenStream {
    let names = method.names();
    quote!((#(#names,)*))
}

/// The description of a method. Each type is asked for its schema under its own span, so that one which is no `Wire` is
/// reported there.
fn describe(method: &Method) -> TokenStream {
    let name = naming::plain(&method.ident);
    let kind = match method.kind {
        Kind::Cast => "Cast",
        Kind::Call | Kind::Deferred => "Call",
        Kind::Stream => "Stream",
    };
    let kind = Ident::new(kind, Span::mixed_site());
    let fields = method.args.iter().map(|arg| field(&naming::plain(&arg.ident), &arg.ty));
    let output = schema(&method.output);
    let doc = doc::summary(&method.inherited.docs);
    let deferred = (method.kind == Kind::Deferred).then(|| quote!(.deferred()));
    quote! {
        ::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::#kind,
            #name,
            &[#(#fields),*],
            #output,
            #doc,
        ) #deferred
    }
}

/// A field of a schema.
pub(crate) fn field(name: &str, ty: &Type) -> TokenStream {
    let schema = schema(ty);
    quote!(::rusm::__private::Field { name: #name, ty: #schema })
}

/// The schema of a type, under its span.
pub(crate) fn schema(ty: &Type) -> TokenStream {
    quote_spanned!(ty.span()=> <#ty as ::rusm::__private::Wire>::SCHEMA)
}
