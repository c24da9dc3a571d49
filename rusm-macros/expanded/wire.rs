#[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
#[serde(crate = "::rusm::__private::serde")]
/// Something to buy.
#[derive(Debug, Clone)]
pub struct Item {
    pub sku: String,
    r#type: Kind,
}
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Wire for Item {
        const SCHEMA: &'static ::rusm::__private::Type = &::rusm::__private::Type::Record {
            name: "Item",
            fields: &[
                ::rusm::__private::Field {
                    name: "sku",
                    ty: <String as ::rusm::__private::Wire>::SCHEMA,
                },
                ::rusm::__private::Field {
                    name: "type",
                    ty: <Kind as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
        };
    }
};
#[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
#[serde(crate = "::rusm::__private::serde")]
struct Id(u64);
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Wire for Id {
        const SCHEMA: &'static ::rusm::__private::Type = <u64 as ::rusm::__private::Wire>::SCHEMA;
    }
};
#[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
#[serde(crate = "::rusm::__private::serde")]
struct Point(i32, i32);
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Wire for Point {
        const SCHEMA: &'static ::rusm::__private::Type = &::rusm::__private::Type::Record {
            name: "Point",
            fields: &[
                ::rusm::__private::Field {
                    name: "0",
                    ty: <i32 as ::rusm::__private::Wire>::SCHEMA,
                },
                ::rusm::__private::Field {
                    name: "1",
                    ty: <i32 as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
        };
    }
};
#[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
#[serde(crate = "::rusm::__private::serde")]
struct Marker;
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Wire for Marker {
        const SCHEMA: &'static ::rusm::__private::Type = &::rusm::__private::Type::Record {
            name: "Marker",
            fields: &[],
        };
    }
};
#[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
#[serde(crate = "::rusm::__private::serde")]
pub struct Page<T: Clone = u8>
where
    T: Default,
{
    items: Vec<T>,
    next: Option<Id>,
}
const _: () = {
    #[automatically_derived]
    impl<T: Clone + ::rusm::__private::Wire> ::rusm::__private::Wire for Page<T>
    where
        T: Default,
    {
        const SCHEMA: &'static ::rusm::__private::Type = &::rusm::__private::Type::Record {
            name: "Page",
            fields: &[
                ::rusm::__private::Field {
                    name: "items",
                    ty: <Vec<T> as ::rusm::__private::Wire>::SCHEMA,
                },
                ::rusm::__private::Field {
                    name: "next",
                    ty: <Option<Id> as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
        };
    }
};
#[derive(::rusm::__private::serde::Serialize, ::rusm::__private::serde::Deserialize)]
#[serde(crate = "::rusm::__private::serde")]
pub enum CartError {
    Empty,
    Limit(u32),
    Both(u8, u8),
    Refused { reason: String },
}
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Wire for CartError {
        const SCHEMA: &'static ::rusm::__private::Type = &::rusm::__private::Type::Variant {
            name: "CartError",
            cases: &[
                ::rusm::__private::Case {
                    name: "Empty",
                    payload: ::rusm::__private::Payload::Unit,
                },
                ::rusm::__private::Case {
                    name: "Limit",
                    payload: ::rusm::__private::Payload::Tuple(
                        &[<u32 as ::rusm::__private::Wire>::SCHEMA],
                    ),
                },
                ::rusm::__private::Case {
                    name: "Both",
                    payload: ::rusm::__private::Payload::Tuple(
                        &[
                            <u8 as ::rusm::__private::Wire>::SCHEMA,
                            <u8 as ::rusm::__private::Wire>::SCHEMA,
                        ],
                    ),
                },
                ::rusm::__private::Case {
                    name: "Refused",
                    payload: ::rusm::__private::Payload::Record(
                        &[
                            ::rusm::__private::Field {
                                name: "reason",
                                ty: <String as ::rusm::__private::Wire>::SCHEMA,
                            },
                        ],
                    ),
                },
            ],
        };
    }
};
