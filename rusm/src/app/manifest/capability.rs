//! `[capabilities.NAME]`: what components may do, as far as it differs from what is inherited.

use std::time::Duration;

use toml::de::DeValue;

use super::check_name;
use super::component::Component;
use super::reader::{Problems, Section};
use crate::app::report::{Located, Problem};
use crate::wasm::{Capabilities, Names, Network, Place, Preopen, Profile};

/// What a capability starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherits {
    /// A built-in profile.
    Profile(Profile),
    /// Another `[capabilities.NAME]`.
    Capability(String),
}

/// One `[capabilities.NAME]`. What is `None` is as inherited.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the keys of rusm.toml, described there")]
pub struct Capability {
    pub name: Located<String>,
    pub inherits: Inherits,
    pub network: Option<Network>,
    pub spawn: Option<Names>,
    pub process_control: Option<bool>,
    pub names: Option<Names>,
    pub stdio: Option<bool>,
    pub max_memory: Option<usize>,
    pub max_cpu: Option<Duration>,
    pub max_processes: Option<u32>,
    pub max_mailbox: Option<usize>,
    pub env: Option<Vec<String>>,
    pub preopen: Option<Vec<Preopen>>,
    /// The entries of `allow-spawn` that are whole names, to be compared with the components.
    pub(super) spawned: Vec<Located<String>>,
}

impl Capability {
    /// Changes what it says something of.
    fn apply(&self, to: &mut Capabilities) {
        fn set<T: Clone>(to: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                to.clone_from(value);
            }
        }
        set(&mut to.network, &self.network);
        set(&mut to.spawn, &self.spawn);
        set(&mut to.process_control, &self.process_control);
        set(&mut to.names, &self.names);
        set(&mut to.stdio, &self.stdio);
        set(&mut to.max_memory, &self.max_memory);
        set(&mut to.max_processes, &self.max_processes);
        set(&mut to.max_mailbox, &self.max_mailbox);
        set(&mut to.preopens, &self.preopen);
        to.max_cpu = self.max_cpu.or(to.max_cpu);
        if let Some(env) = &self.env {
            to.env = env.iter().cloned().collect();
        }
    }
}

pub(super) fn capabilities(section: Section<'_>, problems: &Problems) -> Vec<Capability> {
    let mut found = Vec::new();
    let mut parents = Vec::new();
    for (name, mut section) in section.named_sections("capabilities") {
        check_name(&name, "capability", problems);
        if profile(&name.value).is_some() {
            problems.add(
                Problem::new(format!("`{}` is a built-in profile", name.value))
                    .at(&name.span, "can't be defined again")
                    .help(format!("take another name and write `inherits = \"{}\"`", name.value)),
            );
        }
        let parent = section.string("inherits");
        let (spawn, spawned) = names(&mut section, "allow-spawn", "components");
        found.push(Capability {
            inherits: match &parent {
                None => Inherits::Profile(Profile::Sandboxed),
                Some(parent) => match profile(&parent.value) {
                    Some(profile) => Inherits::Profile(profile),
                    None => Inherits::Capability(parent.value.clone()),
                },
            },
            network: network(&mut section),
            spawn,
            spawned: spawned.into_iter().filter(|name| !name.value.ends_with('*')).collect(),
            process_control: section.boolean("allow-process-control"),
            names: names(&mut section, "allow-names", "names").0,
            stdio: section.boolean("allow-stdio"),
            max_memory: section.some_size("max-memory").map(|size| usize::try_from(size).unwrap_or(usize::MAX)),
            max_cpu: section.some_duration("max-cpu"),
            max_processes: section.count("max-processes", 0..=10_000_000).map(|count| count as u32),
            max_mailbox: section.count("max-mailbox", 1..=10_000_000).map(|count| count as usize),
            env: section.strings("env").map(|names| names.into_iter().map(|name| name.value).collect()),
            preopen: preopen(&mut section),
            name,
        });
        section.later("allow-storage");
        section.finish();
        parents.push(parent);
    }
    check_parents(&found, &parents, problems);
    found
}

fn check_parents(found: &[Capability], parents: &[Option<Located<String>>], problems: &Problems) {
    for (capability, parent) in found.iter().zip(parents) {
        let (Inherits::Capability(name), Some(place)) = (&capability.inherits, parent) else { continue };
        if !found.iter().any(|other| other.name.value == *name) {
            problems.add(unknown(name, place, found));
            continue;
        }
        // Every member of a cycle walks back to itself; one report, at the first of them, is enough.
        let cycle = walk(found, &capability.name.value);
        let back = cycle.last().and_then(|last| match &last.inherits {
            Inherits::Capability(name) => Some(name.as_str()),
            Inherits::Profile(_) => None,
        });
        if back == Some(capability.name.value.as_str())
            && cycle.iter().all(|member| member.name.span.start >= capability.name.span.start)
        {
            let mut names: Vec<&str> = cycle.iter().map(|member| member.name.value.as_str()).collect();
            names.push(&capability.name.value);
            problems.add(
                Problem::new("capabilities inherit from each other in a circle")
                    .at(&place.span, names.join(" -> "))
                    .help("let one of them inherit `sandboxed`, `network-client` or `trusted`"),
            );
        }
    }
}

pub(super) fn unknown(name: &str, place: &Located<String>, known: &[Capability]) -> Problem {
    Problem::new(format!("unknown capability `{name}`"))
        .at(&place.span, "no profile and no table of this name")
        .suggest(name, known.iter().map(|known| known.name.value.as_str()).chain(Profile::NAMES))
}

/// A capability and those above it, until a profile, an unknown name or one that was met before.
fn walk<'a>(found: &'a [Capability], name: &str) -> Vec<&'a Capability> {
    let mut line: Vec<&Capability> = Vec::new();
    let mut name = name;
    while let Some(next) = found.iter().find(|capability| capability.name.value == name) {
        if line.iter().any(|met| met.name.value == next.name.value) {
            break;
        }
        line.push(next);
        match &next.inherits {
            Inherits::Capability(parent) => name = parent,
            Inherits::Profile(_) => break,
        }
    }
    line
}

pub(super) fn profile(name: &str) -> Option<Profile> {
    name.parse().ok()
}

/// What a capability comes to, with all that it inherits.
pub(super) fn resolve(found: &[Capability], name: &str) -> Capabilities {
    let line = walk(found, name);
    let base = match line.last() {
        Some(last) => match last.inherits {
            Inherits::Profile(profile) => profile,
            Inherits::Capability(_) => Profile::Sandboxed,
        },
        None => profile(name).unwrap_or_default(),
    };
    let mut capabilities = base.capabilities();
    for capability in line.iter().rev() {
        capability.apply(&mut capabilities);
    }
    capabilities
}

/// A component that does not exist can't be spawned: the name is a slip.
pub(super) fn check_spawned(found: &[Capability], components: &[Component], problems: &Problems) {
    for name in found.iter().flat_map(|capability| &capability.spawned) {
        if !components.iter().any(|component| component.name.value == name.value) {
            let problem = Problem::new(format!("`allow-spawn` names the unknown component `{}`", name.value))
                .at(&name.span, format!("there is no [components.{}]", name.value));
            problems
                .add(problem.suggest(&name.value, components.iter().map(|component| component.name.value.as_str())));
        }
    }
}

fn names(section: &mut Section<'_>, key: &'static str, what: &str) -> (Option<Names>, Vec<Located<String>>) {
    let Some(value) = section.value(key) else { return (None, Vec::new()) };
    match value.get_ref() {
        DeValue::Boolean(true) => (Some(Names::anything()), Vec::new()),
        DeValue::Boolean(false) => (Some(Names::nothing()), Vec::new()),
        _ => {
            let Some(list) = section.strings_of(key, value, &format!("true, false or a list of {what}")) else {
                return (None, Vec::new());
            };
            for item in &list {
                let star = item.value.find('*').is_some_and(|at| at + 1 != item.value.len());
                if item.value.is_empty() || star {
                    section.problem(
                        Problem::new(format!("`{key}` in {} lists `{}`", section.title(), item.value))
                            .at(&item.span, "matches nothing")
                            .help("write a name, or the beginning of names and a `*` at its end"),
                    );
                }
            }
            (Some(Names::listed(list.iter().map(|item| item.value.as_str()))), list)
        }
    }
}

fn network(section: &mut Section<'_>) -> Option<Network> {
    let value = section.value("allow-network")?;
    match value.get_ref() {
        DeValue::Boolean(true) => Some(Network::anything()),
        DeValue::Boolean(false) => Some(Network::nothing()),
        _ => {
            let list = section.strings_of("allow-network", value, "true, false or a list of hosts")?;
            let mut places: Vec<Place> = Vec::new();
            for item in list {
                match item.value.parse() {
                    Ok(place) => places.push(place),
                    Err(_) => section.problem(
                        Problem::new(format!("`allow-network` in {} lists `{}`", section.title(), item.value))
                            .at(&item.span, "not a place of the network")
                            .help("write `https://host`, `host`, `host:port`, `10.0.0.0/8` or `10.0.0.0/8:5432`"),
                    ),
                }
            }
            Some(Network::listed(places))
        }
    }
}

fn preopen(section: &mut Section<'_>) -> Option<Vec<Preopen>> {
    const WANTED: &str = "a list of tables like { host = \"./assets\", guest = \"/assets\" }";
    let value = section.value("preopen")?;
    let DeValue::Array(items) = value.get_ref() else {
        section.wrong(value, "preopen", WANTED);
        return None;
    };
    let mut found = Vec::new();
    for item in items.iter() {
        let Some(mut folder) = section.below(item, &format!("preopen of {}", section.title())) else {
            section.wrong(item, "preopen", WANTED);
            continue;
        };
        let (host, guest) = (folder.string("host"), folder.string("guest"));
        let write = folder.boolean("write").unwrap_or(false);
        if folder.missing("host") || folder.missing("guest") {
            section.wrong(item, "preopen", WANTED);
        }
        folder.finish();
        if let (Some(host), Some(guest)) = (host, guest) {
            found.push(Preopen { host: host.value.into(), guest: guest.value, write });
        }
    }
    Some(found)
}
