//! Grants and refusals as tables; narrowing as a property.

use super::*;
use proptest::prelude::*;

fn places(list: &[&str]) -> Network {
    Network::listed(list.iter().map(|place| place.parse().unwrap()))
}

#[test]
fn profiles_grant_what_they_say() {
    for (profile, spawn, network, control) in
        [("sandboxed", false, false, false), ("network-client", false, true, false), ("trusted", true, true, true)]
    {
        let capabilities = profile.parse::<Profile>().unwrap().capabilities();
        assert_eq!(capabilities.spawn("x").is_ok(), spawn, "{profile}");
        assert_eq!(capabilities.register("x").is_ok(), spawn, "{profile}");
        assert_eq!(
            capabilities.network.connect("8.8.8.8:53".parse().unwrap(), &Pins::default()).is_ok(),
            network,
            "{profile}"
        );
        assert_eq!(capabilities.control(format_args!("x")).is_ok(), control, "{profile}");
        assert!(capabilities.env.is_empty() && capabilities.preopens.is_empty(), "{profile}");
    }
    assert_eq!(Profile::NAMES.map(|name| name.parse::<Profile>().is_ok()), [true; 3]);
    assert!("sandbox".parse::<Profile>().unwrap_err().to_string().contains("`sandboxed`"));
}

#[test]
fn denials_name_capability_and_need() {
    let none = Capabilities::default();
    for (denial, capability, what) in [
        (none.spawn("worker"), "allow-spawn", "`worker`"),
        (none.register("auth"), "allow-names", "`auth`"),
        (none.control(format_args!("ending <0.1.2>")), "allow-process-control", "<0.1.2>"),
        (none.network.resolve("a.example"), "allow-network", "a.example"),
        (none.network.connect("1.1.1.1:1".parse().unwrap(), &Pins::default()), "allow-network", "1.1.1.1:1"),
    ] {
        let denial = denial.unwrap_err();
        assert_eq!(denial.capability, capability);
        let text = denial.to_string();
        assert!(text.contains(capability) && text.contains(what), "{text}");
    }
}

#[test]
fn a_denial_keeps_little_of_a_long_text() {
    let denial = Capabilities::default().register(&"x".repeat(1 << 20)).unwrap_err();
    assert!(denial.what.capacity() <= 2 * Denial::MAX, "{}", denial.what.capacity());
    assert!(denial.to_string().contains("allow-names"));
}

#[test]
fn name_patterns() {
    let names = Names::listed(["shop.*", "cart"]);
    for (name, allowed) in
        [("shop.a", true), ("shop.", true), ("shop", false), ("cart", true), ("carts", false), ("", false)]
    {
        assert_eq!(names.allow(name), allowed, "{name}");
    }
}

#[test]
fn places_are_read() {
    for (text, host, port) in [
        ("https://api.example.com", Host::Name("api.example.com".into()), Some(443)),
        ("http://API.example.com/", Host::Name("api.example.com".into()), Some(80)),
        ("db.internal:5432", Host::Name("db.internal".into()), Some(5432)),
        ("example.com", Host::Name("example.com".into()), None),
        ("10.0.0.0/8:5432", Host::Range { base: "10.0.0.0".parse().unwrap(), prefix: 8 }, Some(5432)),
        ("127.0.0.1", Host::Range { base: "127.0.0.1".parse().unwrap(), prefix: 32 }, None),
        ("[::1]:80", Host::Range { base: "::1".parse().unwrap(), prefix: 128 }, Some(80)),
        ("::1", Host::Range { base: "::1".parse().unwrap(), prefix: 128 }, None),
        ("::ffff:10.0.0.1", Host::Range { base: "10.0.0.1".parse().unwrap(), prefix: 32 }, None),
        ("::ffff:10.0.0.0/104", Host::Range { base: "10.0.0.0".parse().unwrap(), prefix: 8 }, None),
    ] {
        assert_eq!(text.parse::<Place>(), Ok(Place { host, port }), "{text}");
    }
    for text in
        ["", "ftp://x", "a b", "x:y", "x:70000", "10.0.0.0/33", "::1/129", "::ffff:10.0.0.0/95", "a/8", "https://"]
    {
        assert_eq!(text.parse::<Place>(), Err(PlaceError(text.into())), "{text}");
    }
}

#[test]
fn lists_open_what_they_name_only() {
    let network = places(&["https://api.example.com", "10.0.0.0/8:5432", "rebound.example", "[::ffff:10.1.1.1]:7"]);
    let mut pins = Pins::default();
    pins.pin("api.example.com", "93.184.215.14".parse().unwrap());
    pins.pin("rebound.example", "169.254.169.254".parse().unwrap());
    for (address, allowed) in [
        ("93.184.215.14:443", true),
        ("93.184.215.14:80", false),
        ("93.184.215.15:443", false),
        ("10.9.9.9:5432", true),
        ("10.9.9.9:22", false),
        ("[::ffff:10.9.9.9]:5432", true),
        ("169.254.169.254:80", false),
        ("127.0.0.1:5432", false),
        ("10.1.1.1:7", true),
        ("10.1.1.2:7", false),
        ("8.8.8.8:7", false),
    ] {
        assert_eq!(network.connect(address.parse().unwrap(), &pins).is_ok(), allowed, "{address}");
    }
    assert!(network.resolve("API.example.com").is_ok());
    assert!(network.resolve("other.example").is_err());
    assert_eq!(network.host_names().len(), 2);
}

#[test]
fn public_means_public() {
    for (address, public) in [
        ("8.8.8.8", true),
        ("127.0.0.1", false),
        ("10.0.0.1", false),
        ("172.16.0.1", false),
        ("192.168.1.1", false),
        ("169.254.169.254", false),
        ("100.64.0.1", false),
        ("0.0.0.0", false),
        ("255.255.255.255", false),
        ("224.0.0.1", false),
        ("2606:4700::1111", true),
        ("::1", false),
        ("::", false),
        ("fe80::1", false),
        ("fd00:ec2::254", false),
        ("ff02::1", false),
        ("::ffff:127.0.0.1", false),
        ("64:ff9b::7f00:1", false),
        ("2002:7f00:1::", false),
    ] {
        assert_eq!(is_public(address.parse::<IpAddr>().unwrap().to_canonical()), public, "{address}");
    }
}

#[test]
fn preopens_narrow() {
    let preopen = |host: &str, write| Preopen { host: host.into(), guest: "/x".into(), write };
    let with = |preopens| Capabilities { preopens, ..Capabilities::default() };
    let child = with(vec![preopen("/data/a", true), preopen("/etc", false), preopen("/data/../etc", false)]);
    assert_eq!(child.narrowed_by(&with(vec![preopen("/data", false)])).preopens, [preopen("/data/a", false)]);
    assert_eq!(child.narrowed_by(&with(vec![preopen("/data", true)])).preopens, [preopen("/data/a", true)]);
    assert_eq!(child.narrowed_by(&with(vec![])).preopens, []);
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let names =
        prop_oneof![Just(Names::anything()), proptest::collection::vec("[ab]{0,2}\\*?", 0..3).prop_map(Names::listed),];
    let network = prop_oneof![
        Just(Network::anything()),
        Just(Network::nothing()),
        Just(Network::public()),
        Just(places(&["8.0.0.0/8", "127.0.0.1:80"])),
        Just(places(&["8.8.8.8:53"])),
    ];
    (names.clone(), names, network, any::<[bool; 2]>(), 0usize..5, proptest::option::of(0u64..5), 0u32..5).prop_map(
        |(spawn, names, network, [process_control, stdio], memory, cpu, processes)| Capabilities {
            spawn,
            names,
            network,
            process_control,
            stdio,
            max_memory: memory,
            max_cpu: cpu.map(Duration::from_secs),
            max_processes: processes,
            ..Capabilities::default()
        },
    )
}

proptest! {
    #[test]
    fn a_child_has_exactly_what_both_have(own in capabilities(), parent in capabilities(), name in "[ab]{0,3}") {
        let child = own.narrowed_by(&parent);
        prop_assert_eq!(child.spawn(&name).is_ok(), own.spawn(&name).is_ok() && parent.spawn(&name).is_ok());
        prop_assert_eq!(child.register(&name).is_ok(), own.register(&name).is_ok() && parent.register(&name).is_ok());
        for address in ["8.8.8.8:53", "8.1.1.1:1", "127.0.0.1:80", "127.0.0.1:81", "9.9.9.9:9"] {
            let asks = |c: &Capabilities| c.network.connect(address.parse().unwrap(), &Pins::default()).is_ok();
            prop_assert_eq!(asks(&child), asks(&own) && asks(&parent));
        }
        prop_assert!(child.max_memory <= parent.max_memory && child.max_processes <= parent.max_processes);
        prop_assert!(parent.max_cpu.is_none_or(|most| child.max_cpu.is_some_and(|cpu| cpu <= most)));
        prop_assert!(!child.stdio || parent.stdio);
        prop_assert!(!child.process_control || parent.process_control);
        prop_assert_eq!(child.narrowed_by(&parent), child, "narrowing twice changes nothing");
    }
}
