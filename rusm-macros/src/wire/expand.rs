//! What is generated for a wire type.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, Generics, parse_quote_spanned};

use crate::messages::{field, schema};
use crate::naming;

/// The type itself, with serde's derives and its schema.
pub(super) fn expand(input: &DeriveInput) -> TokenStream {
    let wire = with_schema(input, &described(input));
    quote! {
        #[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
        #[serde(crate = "::rusm::__private::serde")]
        #input
        const _: () = { #wire };
    }
}

fn described(input: &DeriveInput) -> TokenStream {
    let name = naming::plain(&input.ident);
    match &input.data {
        Data::Struct(data) => of_struct(&name, &data.fields),
        Data::Enum(data) => {
            let cases = data.variants.iter().map(|variant| {
                let (name, payload) = (naming::plain(&variant.ident), payload(&variant.fields));
                quote!(::rusm::__private::Case { name: #name, payload: #payload })
            });
            quote!(&::rusm::__private::Type::Variant { name: #name, cases: &[#(#cases),*] })
        }
        Data::Union(_) => quote!(&::rusm::__private::Type::Unit),
    }
}

/// Lets everything that uses the type compile, after a mistake in it was reported. Never runs.
pub(super) fn stand_in(input: &DeriveInput) -> TokenStream {
    if input.generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Type(_))) {
        return TokenStream::new();
    }
    let ident = &input.ident;
    let bounded = bounded(&input.generics);
    let (impl_generics, _, where_clause) = bounded.split_for_impl();
    let (_, type_generics, _) = input.generics.split_for_impl();
    let mut borrowing = bounded.clone();
    borrowing.params.insert(0, parse_quote_spanned!(Span::mixed_site()=> 'de));
    let (de_generics, _, _) = borrowing.split_for_impl();
    let wire = with_schema(input, &quote!(&::rusm::__private::Type::Unit));
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #wire
            #[automatically_derived]
            impl #impl_generics ::rusm::__private::serde::Serialize for #ident #type_generics #where_clause {
                fn serialize<S: ::rusm::__private::serde::Serializer>(
                    &self,
                    _: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    ::core::unreachable!()
                }
            }
            #[automatically_derived]
            impl #de_generics ::rusm::__private::serde::Deserialize<'de> for #ident #type_generics #where_clause {
                fn deserialize<D: ::rusm::__private::serde::Deserializer<'de>>(
                    _: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    ::core::unreachable!()
                }
            }
        };
    }
}

fn with_schema(input: &DeriveInput, described: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let bounded = bounded(&input.generics);
    let (impl_generics, _, where_clause) = bounded.split_for_impl();
    let (_, type_generics, _) = input.generics.split_for_impl();
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl #impl_generics ::rusm::__private::Wire for #ident #type_generics #where_clause {
            const SCHEMA: &'static ::rusm::__private::Type = #described;
        }
    }
}

fn bounded(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for param in generics.type_params_mut() {
        param.default = None;
        param.bounds.push(parse_quote_spanned!(Span::mixed_site()=> ::rusm::__private::Wire));
    }
    generics
}

fn of_struct(name: &str, fields: &Fields) -> TokenStream {
    match fields {
        // What serde makes of a newtype: nothing of it is on the wire.
        Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => schema(&unnamed.unnamed[0].ty),
        Fields::Named(_) | Fields::Unnamed(_) | Fields::Unit => {
            let fields = listed(fields);
            quote!(&::rusm::__private::Type::Record { name: #name, fields: &[#(#fields),*] })
        }
    }
}

fn payload(fields: &Fields) -> TokenStream {
    match fields {
        Fields::Unit => quote!(::rusm::__private::Payload::Unit),
        Fields::Unnamed(unnamed) => {
            let types = unnamed.unnamed.iter().map(|field| schema(&field.ty));
            quote!(::rusm::__private::Payload::Tuple(&[#(#types),*]))
        }
        Fields::Named(_) => {
            let fields = listed(fields);
            quote!(::rusm::__private::Payload::Record(&[#(#fields),*]))
        }
    }
}

/// Fields with their names, which are numbers if they have none.
fn listed(fields: &Fields) -> impl Iterator<Item = TokenStream> {
    fields.iter().enumerate().map(|(i, declared)| {
        let name = declared.ident.as_ref().map_or_else(|| i.to_string(), naming::plain);
        field(&name, &declared.ty)
    })
}
