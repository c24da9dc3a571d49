use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;

use super::*;

fn parse(text: &str) -> Located<Value> {
    Value::of(&DeValue::parse(text).unwrap())
}

/// What serde and postcard write for a value must come out of its TOML text.
#[track_caller]
fn same(text: &str, ty: &TypeSchema, value: &impl Serialize) {
    assert_eq!(encode(&parse(text), ty), Ok(postcard::to_allocvec(value).unwrap()), "{text}");
}

#[track_caller]
fn titles(text: &str, ty: &TypeSchema) -> Vec<String> {
    encode(&parse(text), ty).unwrap_err().iter().map(|problem| problem.title().to_owned()).collect()
}

fn field(name: &str, ty: TypeSchema) -> FieldSchema {
    FieldSchema { name: name.into(), ty }
}

fn record(fields: Vec<FieldSchema>) -> TypeSchema {
    TypeSchema::Record { name: "Config".into(), fields }
}

#[derive(Serialize)]
struct Config {
    currency: String,
    limit: Option<u32>,
    rates: BTreeMap<String, f64>,
    mode: Mode,
}

#[derive(Serialize)]
enum Mode {
    Off,
    Every(u16),
    Pair(i8, char),
    Window { from: i64 },
}

fn mode() -> TypeSchema {
    let case = |name: &str, payload| CaseSchema { name: name.into(), payload };
    TypeSchema::Variant {
        name: "Mode".into(),
        cases: vec![
            case("Off", PayloadSchema::Unit),
            case("Every", PayloadSchema::Tuple(vec![TypeSchema::U16])),
            case("Pair", PayloadSchema::Tuple(vec![TypeSchema::I8, TypeSchema::Char])),
            case("Window", PayloadSchema::Record(vec![field("from", TypeSchema::I64)])),
        ],
    }
}

fn config() -> TypeSchema {
    record(vec![
        field("currency", TypeSchema::String),
        field("limit", TypeSchema::Option(Box::new(TypeSchema::U32))),
        field("rates", TypeSchema::Map(Box::new(TypeSchema::String), Box::new(TypeSchema::F64))),
        field("mode", mode()),
    ])
}

#[test]
fn records_maps_options_and_variants() {
    let mut value = Config { currency: "EUR".into(), limit: None, rates: BTreeMap::new(), mode: Mode::Off };
    same("{ currency = 'EUR', rates = {}, mode = 'Off' }", &config(), &value);
    value.limit = Some(300);
    value.rates = [("a".into(), 1.5), ("b".into(), 2.0)].into();
    value.mode = Mode::Every(400);
    same("{ mode = { Every = 400 }, rates = { a = 1.5, b = 2 }, limit = 300, currency = 'EUR' }", &config(), &value);
}

#[test]
fn cases_of_every_shape() {
    same("'Off'", &mode(), &Mode::Off);
    same("{ Every = 7 }", &mode(), &Mode::Every(7));
    same("{ Pair = [-1, 'é'] }", &mode(), &Mode::Pair(-1, 'é'));
    same("{ Window = { from = -9 } }", &mode(), &Mode::Window { from: -9 });
    same("{ Ok = 1 }", &TypeSchema::Result(Box::new(TypeSchema::U8), Box::new(TypeSchema::Unit)), &Ok::<u8, ()>(1));
    same("{ Err = {} }", &TypeSchema::Result(Box::new(TypeSchema::U8), Box::new(TypeSchema::Unit)), &Err::<u8, ()>(()));
}

#[test]
fn tuples_lists_and_tuple_structs() {
    #[derive(Serialize)]
    struct Wrapper(u64);
    #[derive(Serialize)]
    struct Pair(bool, String);
    let tuple = TypeSchema::Tuple(vec![TypeSchema::Bool, TypeSchema::String]);
    same("[true, 'x']", &tuple, &(true, "x"));
    same("[[true, 'x'], [false, '']]", &TypeSchema::List(Box::new(tuple)), &[(true, "x"), (false, "")].as_slice());
    same("9", &record(vec![field("0", TypeSchema::U64)]), &Wrapper(9));
    same("[9]", &record(vec![field("0", TypeSchema::U64)]), &Wrapper(9));
    same(
        "[true, 'x']",
        &record(vec![field("0", TypeSchema::Bool), field("1", TypeSchema::String)]),
        &Pair(true, "x".into()),
    );
    same("{}", &TypeSchema::Unit, &());
}

#[test]
fn keys_of_maps_are_read_as_their_type() {
    let map = |key| TypeSchema::Map(Box::new(key), Box::new(TypeSchema::Bool));
    same("{ 1 = true, 20 = false }", &map(TypeSchema::U16), &BTreeMap::from([(1_u16, true), (20, false)]));
    assert_eq!(titles("{ x = true }", &map(TypeSchema::U16)), ["`args.x` must be a u16"]);
}

#[test]
fn what_does_not_fit_is_told_with_its_path() {
    let list = TypeSchema::List(Box::new(config()));
    for (text, ty, expected) in [
        ("256", &TypeSchema::U8, vec!["`args` is out of range"]),
        ("-1", &TypeSchema::U64, vec!["`args` is out of range"]),
        ("99999999999999999999999999999999999999999999", &TypeSchema::U64, vec!["`args` is out of range"]),
        ("99999999999999999999999999999999999999999999", &TypeSchema::F64, vec!["`args` is out of range"]),
        ("9007199254740993", &TypeSchema::F64, vec!["`args` is out of range"]),
        ("16777217", &TypeSchema::F32, vec!["`args` is out of range"]),
        ("1e39", &TypeSchema::F32, vec!["`args` is out of range"]),
        ("1979-05-27", &TypeSchema::String, vec!["`args` must be a string"]),
        ("'ab'", &TypeSchema::Char, vec!["`args` must be a char"]),
        ("[1]", &TypeSchema::Tuple(vec![TypeSchema::U8, TypeSchema::U8]), vec!["`args` must hold 2 values"]),
        (
            "{ curency = 'EUR', rates = { a = 'x' }, mode = 'Of' }",
            &config(),
            vec![
                "`args.currency` is missing",
                "`args.rates.a` must be a f64",
                "unknown case `Of` in `args.mode`",
                "unknown field `curency` in `args`",
            ],
        ),
        (
            "[{ currency = 1, rates = {}, mode = { Off = 1 } }]",
            &list,
            vec!["`args[0].currency` must be a string", "`args[0].mode.Off` holds nothing"],
        ),
        ("'Every'", &mode(), vec!["case `Every` of `args` holds something"]),
        ("{ Off = 1, Every = 2 }", &mode(), vec![]),
    ] {
        let found = titles(text, ty);
        if expected.is_empty() {
            assert_eq!(found.len(), 1, "{text}: {found:?}");
        } else {
            assert_eq!(found, expected, "{text}");
        }
    }
}

proptest! {
    #[test]
    fn whole_numbers_encode_as_postcard_does(a: u8, b: u16, c: u32, d: u64, e: i8, f: i16, g: i32, h: i64) {
        let types = [
            TypeSchema::U8, TypeSchema::U16, TypeSchema::U32, TypeSchema::U64,
            TypeSchema::I8, TypeSchema::I16, TypeSchema::I32, TypeSchema::I64,
        ];
        let text = format!("[{a}, {b}, {c}, {d}, {e}, {f}, {g}, {h}]");
        let bytes = postcard::to_allocvec(&(a, b, c, d, e, f, g, h)).unwrap();
        prop_assert_eq!(encode(&parse(&text), &TypeSchema::Tuple(types.to_vec())).unwrap(), bytes);
    }

    #[test]
    fn wide_numbers_encode_as_postcard_does(a: u64, b: i128) {
        let types = TypeSchema::Tuple(vec![TypeSchema::U128, TypeSchema::I128]);
        let value = Located::new(Value::List(vec![
            Located::new(Value::Integer(i128::from(a)), 0..0),
            Located::new(Value::Integer(b), 0..0),
        ]), 0..0);
        prop_assert_eq!(encode(&value, &types).unwrap(), postcard::to_allocvec(&(u128::from(a), b)).unwrap());
    }

    #[test]
    fn texts_floats_and_options_encode_as_postcard_does(text: String, float: f64, list: Vec<Option<String>>) {
        let value = Located::new(Value::List(vec![
            Located::new(Value::String(text.clone()), 0..0),
            Located::new(Value::Float(float), 0..0),
        ]), 0..0);
        let types = TypeSchema::Tuple(vec![TypeSchema::String, TypeSchema::F64]);
        prop_assert_eq!(encode(&value, &types).unwrap(), postcard::to_allocvec(&(&text, float)).unwrap());

        let present: Vec<Option<String>> = list.into_iter().filter(Option::is_some).collect();
        let value = Value::List(present.iter().flatten().map(|text| Located::new(Value::String(text.clone()), 0..0)).collect());
        let types = TypeSchema::List(Box::new(TypeSchema::Option(Box::new(TypeSchema::String))));
        prop_assert_eq!(encode(&Located::new(value, 0..0), &types).unwrap(), postcard::to_allocvec(&present).unwrap());
    }

    #[test]
    fn no_value_makes_the_encoder_panic(text in "[\\[\\]{}'a-c=,0-9 .-]{0,40}") {
        if let Ok(value) = DeValue::parse(&text) {
            for ty in [config(), mode(), TypeSchema::List(Box::new(mode()))] {
                let _ = encode(&Value::of(&value), &ty);
            }
        }
    }
}
