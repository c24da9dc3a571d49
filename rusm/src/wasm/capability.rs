//! What a component may do: pure decisions, no effects.
//!
//! A [`Capabilities`] value starts from a [`Profile`] and is widened by what the node's owner grants. A process that a
//! guest starts gets [`Capabilities::narrowed_by`] its parent's: every question is then answered by both, so no chain of
//! spawns ever ends with more than it began with. A question answered with no gives a [`Denial`], which names the
//! capability that is missing and what it was needed for.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// A named starting point for capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Nothing but computing and messages; 64 MiB of memory.
    #[default]
    Sandboxed,
    /// `Sandboxed`, and the public internet.
    NetworkClient,
    /// Everything that needs no path or variable named: network, spawning, names, other processes, output; 1 GiB.
    Trusted,
}

impl Profile {
    /// The names a manifest may use.
    pub const NAMES: [&str; 3] = ["sandboxed", "network-client", "trusted"];

    /// What the profile grants.
    pub fn capabilities(self) -> Capabilities {
        let sandboxed = Capabilities {
            network: Network::nothing(),
            spawn: Names::nothing(),
            process_control: false,
            names: Names::nothing(),
            stdio: false,
            max_memory: 64 * MIB,
            max_cpu: None,
            max_processes: 100,
            max_mailbox: 10_000,
            env: BTreeSet::new(),
            preopens: Vec::new(),
        };
        match self {
            Self::Sandboxed => sandboxed,
            Self::NetworkClient => Capabilities { network: Network::public(), ..sandboxed },
            Self::Trusted => Capabilities {
                network: Network::anything(),
                spawn: Names::anything(),
                process_control: true,
                names: Names::anything(),
                stdio: true,
                max_memory: 1024 * MIB,
                max_processes: 10_000,
                ..sandboxed
            },
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        match name {
            "sandboxed" => Ok(Self::Sandboxed),
            "network-client" => Ok(Self::NetworkClient),
            "trusted" => Ok(Self::Trusted),
            _ => Err(UnknownProfile(name.to_owned())),
        }
    }
}

/// No profile has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile `{0}`: use `sandboxed`, `network-client` or `trusted`")]
pub struct UnknownProfile(pub String);

/// What a component may do and how much it may use.
///
/// # Examples
/// ```
/// use rusm::wasm::{Names, Profile};
///
/// let mut shop = Profile::Sandboxed.capabilities();
/// shop.names = Names::listed(["shop.*"]);
/// assert!(shop.register("shop.cart").is_ok());
/// assert!(shop.register("authentication").unwrap_err().to_string().contains("allow-names"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// `allow-network`: where it may connect to.
    pub network: Network,
    /// `allow-spawn`: the components it may start processes of, itself included.
    pub spawn: Names,
    /// `allow-process-control`: whether it may end and link to processes that it did not start.
    pub process_control: bool,
    /// `allow-names`: the names it may register and give back.
    pub names: Names,
    /// `allow-stdio`: whether its output reaches the node's.
    pub stdio: bool,
    /// `max-memory`: bytes over all linear memories and tables of one process; 64 MiB in `sandboxed`.
    pub max_memory: usize,
    /// `max-cpu`: computing time per message or request. None: preempted, not bounded.
    pub max_cpu: Option<Duration>,
    /// `max-processes`: how many processes may live below one process; 100 in `sandboxed`.
    pub max_processes: u32,
    /// `max-mailbox`: how many messages may wait for one process; 10,000.
    pub max_mailbox: usize,
    /// `env`: the host's environment variables it may read.
    pub env: BTreeSet<String>,
    /// `preopen`: the directories it may open files in.
    pub preopens: Vec<Preopen>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Profile::Sandboxed.capabilities()
    }
}

/// A directory that a component may open files in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preopen {
    /// The directory on the host.
    pub host: PathBuf,
    /// What the guest calls it.
    pub guest: String,
    /// Whether it may change what is in there.
    pub write: bool,
}

/// The answer no: the capability that is missing and what it was needed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The key of the manifest that grants it.
    pub capability: &'static str,
    what: String,
}

impl Denial {
    /// What a denial quotes of a guest's words, in bytes.
    const MAX: usize = 512;

    /// A denial of `what`, which `capability` would allow; a long `what` is cut.
    pub fn new(capability: &'static str, what: impl Into<String>) -> Self {
        let mut what = what.into();
        if what.len() > Self::MAX {
            what.truncate(what.floor_char_boundary(Self::MAX));
            what.push('…');
            // It is kept for as long as the process lives: not with the room that the whole of it took.
            what.shrink_to_fit();
        }
        Self { capability, what }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} needs the capability `{}`", self.what, self.capability)
    }
}

impl std::error::Error for Denial {}

impl Capabilities {
    /// May it start a process of `component`?
    ///
    /// # Errors
    /// A denial that names `allow-spawn`.
    pub fn spawn(&self, component: &str) -> Result<(), Denial> {
        let denial = || Denial::new("allow-spawn", format!("starting a process of `{component}`"));
        self.spawn.allow(component).then_some(()).ok_or_else(denial)
    }

    /// May it register `name`, or give it back?
    ///
    /// # Errors
    /// A denial that names `allow-names`.
    pub fn register(&self, name: &str) -> Result<(), Denial> {
        let denial = || Denial::new("allow-names", format!("the name `{name}`"));
        self.names.allow(name).then_some(()).ok_or_else(denial)
    }

    /// May it end, or bind its life to, a process that it did not start?
    ///
    /// # Errors
    /// A denial that names `allow-process-control`.
    pub fn control(&self, what: fmt::Arguments<'_>) -> Result<(), Denial> {
        let denial = || Denial::new("allow-process-control", what.to_string());
        self.process_control.then_some(()).ok_or_else(denial)
    }

    /// The part of these capabilities that `parent` has too.
    #[must_use]
    pub fn narrowed_by(&self, parent: &Self) -> Self {
        let cpu = [self.max_cpu, parent.max_cpu];
        Self {
            network: self.network.and(&parent.network),
            spawn: self.spawn.and(&parent.spawn),
            process_control: self.process_control && parent.process_control,
            names: self.names.and(&parent.names),
            stdio: self.stdio && parent.stdio,
            max_memory: self.max_memory.min(parent.max_memory),
            max_cpu: cpu.into_iter().flatten().min(),
            max_processes: self.max_processes.min(parent.max_processes),
            max_mailbox: self.max_mailbox.min(parent.max_mailbox),
            env: self.env.intersection(&parent.env).cloned().collect(),
            preopens: self.preopens.iter().filter_map(|own| own.narrowed_by(&parent.preopens)).collect(),
        }
    }
}

impl Preopen {
    fn narrowed_by(&self, parent: &[Self]) -> Option<Self> {
        let above = parent.iter().filter(|preopen| contains(&preopen.host, &self.host));
        let write = above.map(|preopen| preopen.write).reduce(|a, b| a || b)?;
        Some(Self { write: self.write && write, ..self.clone() })
    }
}

/// Whether `inner` is `outer` or below it; a path with `..` is below nothing.
fn contains(outer: &Path, inner: &Path) -> bool {
    let plain = !inner.components().any(|part| part == std::path::Component::ParentDir);
    outer == inner || (plain && inner.starts_with(outer))
}

/// A set of names: everything, nothing, or what its patterns match; `shop.*` matches all that starts with `shop.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    // A name must match one pattern of each layer. Layers only come from narrowing, and equal ones are one.
    layers: BTreeSet<BTreeSet<String>>,
}

impl Names {
    /// All names.
    pub fn anything() -> Self {
        Self { layers: BTreeSet::new() }
    }

    /// No name.
    pub fn nothing() -> Self {
        Self::listed::<[String; 0]>([])
    }

    /// What one of the patterns matches.
    pub fn listed<I: IntoIterator<Item: Into<String>>>(patterns: I) -> Self {
        Self { layers: BTreeSet::from([patterns.into_iter().map(Into::into).collect()]) }
    }

    /// Whether `name` is in the set.
    pub fn allow(&self, name: &str) -> bool {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => pattern == name,
        };
        self.layers.iter().all(|layer| layer.iter().any(matches))
    }

    fn and(&self, other: &Self) -> Self {
        Self { layers: self.layers.union(&other.layers).cloned().collect() }
    }
}

/// Where a component may connect to.
///
/// Loopback, private, link-local and metadata addresses have to be listed as addresses or ranges: neither
/// [`public`](Self::public) nor a listed host name that resolves to one opens them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    // As with names: each layer has to allow it.
    layers: BTreeSet<Layer>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Nothing,
    Public,
    Listed(BTreeSet<Place>),
}

/// One entry of a network list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    Name(String),
    Range { base: IpAddr, prefix: u8 },
}

/// An entry of a network list can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network place: write `https://host`, `host`, `host:port`, `10.0.0.0/8` or `10.0.0.0/8:5432`")]
pub struct PlaceError(pub String);

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let error = || PlaceError(text.to_owned());
        let (rest, scheme) = match text.split_once("://") {
            Some(("https" | "wss", rest)) => (rest, Some(443)),
            Some(("http" | "ws", rest)) => (rest, Some(80)),
            Some(_) => return Err(error()),
            None => (text, None),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if let Some(host) = Host::read(rest) {
            return Ok(Self { host, port: scheme });
        }
        let (host, port) = rest.rsplit_once(':').ok_or_else(error)?;
        let host = Host::read(host).ok_or_else(error)?;
        Ok(Self { host, port: Some(port.parse().map_err(|_| error())?) })
    }
}

impl Host {
    fn read(text: &str) -> Option<Self> {
        let (text, bracketed) = match text.strip_prefix('[') {
            Some(rest) => (rest.strip_suffix(']')?, true),
            None => (text, false),
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        if let Ok(base) = address.parse::<IpAddr>() {
            let widest = if base.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.filter(|prefix| *prefix <= widest).or(prefix.is_none().then_some(widest))?;
            // An IPv4 address in IPv6 clothes is compared as the former: its range must not be wider than IPv4.
            let canonical = base.to_canonical();
            let prefix = if canonical == base { prefix } else { prefix.checked_sub(96)? };
            return Some(Self::Range { base: canonical, prefix });
        }
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let name = !bracketed && prefix.is_none() && !address.is_empty() && address.chars().all(letters);
        name.then(|| Self::Name(address.to_ascii_lowercase()))
    }

    fn covers(&self, address: IpAddr) -> bool {
        match self {
            Self::Name(_) => false,
            Self::Range { base, prefix } => match (base, address) {
                (IpAddr::V4(base), IpAddr::V4(address)) => {
                    same_prefix(base.to_bits().into(), address.to_bits().into(), 32 - u32::from(*prefix))
                }
                (IpAddr::V6(base), IpAddr::V6(address)) => {
                    same_prefix(base.to_bits(), address.to_bits(), 128 - u32::from(*prefix))
                }
                _ => false,
            },
        }
    }
}

fn same_prefix(a: u128, b: u128, ignored: u32) -> bool {
    (a ^ b).checked_shr(ignored).unwrap_or(0) == 0
}

/// What the host names of a network list stood for when the component was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins(Vec<(String, IpAddr)>);

impl Pins {
    /// Pins a host name to an address.
    pub fn pin(&mut self, name: &str, address: IpAddr) {
        let pin = (name.to_ascii_lowercase(), address.to_canonical());
        if !self.0.contains(&pin) {
            self.0.push(pin);
        }
    }

    fn stand_for(&self, name: &str, address: IpAddr) -> bool {
        self.0.iter().any(|(pinned, to)| pinned == name && *to == address)
    }
}

impl Network {
    /// Everywhere, the host itself included.
    pub fn anything() -> Self {
        Self { layers: BTreeSet::new() }
    }

    /// Nowhere.
    pub fn nothing() -> Self {
        Self { layers: BTreeSet::from([Layer::Nothing]) }
    }

    /// Every public address, and every host name.
    pub fn public() -> Self {
        Self { layers: BTreeSet::from([Layer::Public]) }
    }

    /// These places only.
    pub fn listed<I: IntoIterator<Item = Place>>(places: I) -> Self {
        Self { layers: BTreeSet::from([Layer::Listed(places.into_iter().collect())]) }
    }

    /// The host names that are listed, to be resolved once.
    pub fn host_names(&self) -> BTreeSet<String> {
        let listed = self.layers.iter().filter_map(|layer| match layer {
            Layer::Listed(places) => Some(places),
            _ => None,
        });
        let names = listed.flatten().filter_map(|place| match &place.host {
            Host::Name(name) => Some(name.clone()),
            Host::Range { .. } => None,
        });
        names.collect()
    }

    /// Whether it may connect to everything, and so also listen.
    pub fn is_anything(&self) -> bool {
        self.layers.is_empty()
    }

    /// May it connect to `address`, given what the listed names stood for?
    ///
    /// # Errors
    /// A denial that names `allow-network`.
    pub fn connect(&self, address: SocketAddr, pins: &Pins) -> Result<(), Denial> {
        let ip = address.ip().to_canonical();
        let allowed = self.layers.iter().all(|layer| match layer {
            Layer::Nothing => false,
            Layer::Public => is_public(ip),
            Layer::Listed(places) => places.iter().any(|place| {
                let port = place.port.is_none_or(|port| port == address.port());
                port && match &place.host {
                    Host::Name(name) => is_public(ip) && pins.stand_for(name, ip),
                    range => range.covers(ip),
                }
            }),
        });
        let local = if is_public(ip) { "" } else { ", an address that is not public and has to be listed itself," };
        let denial = || Denial::new("allow-network", format!("connecting to {address}{local}"));
        allowed.then_some(()).ok_or_else(denial)
    }

    /// May it ask for the addresses of `name`?
    ///
    /// # Errors
    /// A denial that names `allow-network`.
    pub fn resolve(&self, name: &str) -> Result<(), Denial> {
        let literal = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let allowed = self.layers.iter().all(|layer| match layer {
            Layer::Nothing => false,
            Layer::Public => true,
            Layer::Listed(places) => {
                literal
                    || places
                        .iter()
                        .any(|place| matches!(&place.host, Host::Name(listed) if listed.eq_ignore_ascii_case(name)))
            }
        });
        let denial = || Denial::new("allow-network", format!("resolving the host name `{name}`"));
        allowed.then_some(()).ok_or_else(denial)
    }

    fn and(&self, other: &Self) -> Self {
        Self { layers: self.layers.union(&other.layers).cloned().collect() }
    }
}

/// Whether an address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(a: Ipv4Addr) -> bool {
    let [first, second, third, _] = a.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let benchmarking = first == 198 && (18..20).contains(&second);
    let protocol = first == 192 && second == 0 && third == 0;
    !(a.is_private()
        || a.is_loopback()
        || a.is_link_local()
        || a.is_documentation()
        || a.is_multicast()
        || shared
        || benchmarking
        || protocol
        || first == 0
        || first >= 240)
}

fn is_public_v6(a: Ipv6Addr) -> bool {
    let segments = a.segments();
    // NAT64 and 6to4 carry an IPv4 address that has to be public too.
    let embedded = match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = embedded {
        return is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    // Only 2000::/3 is given out; documentation and Teredo lie within it.
    segments[0] & 0xe000 == 0x2000 && !(segments[0] == 0x2001 && (segments[1] == 0xdb8 || segments[1] == 0))
}

#[cfg(test)]
mod tests;
