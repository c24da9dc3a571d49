pub mod items {
    use super::*;
    /// Shows one item.
    pub async fn show(req: Request, params: Params) -> Result<Response, HttpError> {
        find(params.parse("id")?).await
    }
    pub async fn create(Json(item): Json<Item>) -> impl IntoResponse {
        Json(item)
    }
    pub fn ping() {}
    async fn find(id: u64) -> Result<Response, HttpError> {
        Err(HttpError::not_found("no such item"))
    }
    #[doc(hidden)]
    #[allow(deprecated)]
    const __HANDLERS: ::rusm::__private::Handlers = {
        const METHOD_SHOW: &::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Request,
            "items::show",
            &[],
            &::rusm::__private::Type::Unit,
            "Shows one item.",
        );
        const METHOD_CREATE: &::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Request,
            "items::create",
            &[],
            &::rusm::__private::Type::Unit,
            "",
        );
        const METHOD_PING: &::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Request,
            "items::ping",
            &[],
            &::rusm::__private::Type::Unit,
            "",
        );
        ::rusm::__private::Handlers {
            entry: &::rusm::__private::Entry {
                kind: ::rusm::__private::EntryKind::Handlers,
                name: "items",
                package: ::core::env!("CARGO_PKG_NAME"),
                init: ::core::option::Option::None,
                methods: &[METHOD_SHOW, METHOD_CREATE, METHOD_PING],
                on_exit: false,
                on_terminate: false,
            },
            actions: &[
                ::rusm::__private::Action {
                    method: METHOD_SHOW,
                    run: |mut exchange| ::std::boxed::Box::pin(async move {
                        let argument_0 = match <Request as ::rusm::__private::FromRequest>::from_request(
                            &mut exchange,
                        ) {
                            ::core::result::Result::Ok(argument) => argument,
                            ::core::result::Result::Err(error) => {
                                return ::rusm::__private::IntoResponse::into_response(error);
                            }
                        };
                        let argument_1 = match <Params as ::rusm::__private::FromRequest>::from_request(
                            &mut exchange,
                        ) {
                            ::core::result::Result::Ok(argument) => argument,
                            ::core::result::Result::Err(error) => {
                                return ::rusm::__private::IntoResponse::into_response(error);
                            }
                        };
                        ::rusm::__private::IntoResponse::into_response(
                            self::show(argument_0, argument_1).await,
                        )
                    }),
                },
                ::rusm::__private::Action {
                    method: METHOD_CREATE,
                    run: |mut exchange| ::std::boxed::Box::pin(async move {
                        let argument_0 = match <Json<
                            Item,
                        > as ::rusm::__private::FromRequest>::from_request(
                            &mut exchange,
                        ) {
                            ::core::result::Result::Ok(argument) => argument,
                            ::core::result::Result::Err(error) => {
                                return ::rusm::__private::IntoResponse::into_response(error);
                            }
                        };
                        ::rusm::__private::IntoResponse::into_response(
                            self::create(argument_0).await,
                        )
                    }),
                },
                ::rusm::__private::Action {
                    method: METHOD_PING,
                    run: |_exchange| ::std::boxed::Box::pin(async move {
                        ::rusm::__private::IntoResponse::into_response(self::ping())
                    }),
                },
            ],
        }
    };
    /// The actions of this module, for a gateway to mount.
    #[allow(dead_code, unreachable_pub)]
    #[must_use]
    pub fn handlers() -> ::rusm::__private::Handlers {
        __HANDLERS
    }
    const _: () = {
        ::rusm::__private::register_handlers!(__HANDLERS);
    };
}
