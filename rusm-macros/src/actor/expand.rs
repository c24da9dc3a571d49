//! What is generated for an actor.

use proc_macro2::TokenStream;
use quote::quote;

use super::Actor;
use crate::ctxt::Ctxt;
use crate::lifecycle::Messages;
use crate::machine;
use crate::naming;

impl Actor {
    pub(super) fn expand(&self, cx: Ctxt) -> TokenStream {
        let Self { item, own, messages, life, possible } = self;
        let types = messages.types();
        let implementations = messages.implementations();
        let actor = possible.then(|| {
            let (message, client) = (messages.message(), messages.client());
            let parts = Messages {
                message: quote!(#message),
                client: quote!(#client),
                handle: messages.dispatch(&quote!(#own)),
                handle_uses_context: messages.uses_context(),
            };
            let actor = life.expand(own, &naming::plain(&messages.name), &parts);
            let machine = life.state.as_ref().map(|state| {
                let hooks = life.machine_hooks(own);
                machine::expand(own, state, messages, &hooks)
            });
            quote!(#actor #machine)
        });
        let errors = cx.finish();
        quote! {
            #item
            #types
            const _: () = {
                #implementations
                #actor
            };
            #errors
        }
    }
}
