//! `[components.NAME]`: which package it is built from, what it may do, and whether it is started at boot.

use super::capability::{self, Capability};
use super::check_name;
use super::reader::{Problems, Section};
use crate::app::args::Value;
use crate::app::report::{Located, Problem};

/// One `[components.NAME]`.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name in routes, in `allow-spawn` and in `wasm/NAME.wasm`.
    pub name: Located<String>,
    /// The cargo package it is built from; default: its name.
    pub package: Located<String>,
    /// Which of the package's actors or handlers it is; default: the only one of the kind that is needed.
    pub entry: Option<Located<String>>,
    /// The capability's or profile's name; default: `sandboxed`.
    pub capability: String,
    /// How it lives, if it is started at boot.
    pub resident: Option<Residence>,
}

/// A resident component: started at boot, supervised, registered by its name.
#[derive(Clone, Debug)]
pub struct Residence {
    /// When it is started again.
    pub restart: Restart,
    /// What its `#[init]` is given.
    pub args: Option<Arguments>,
}

/// When a resident component is started again after it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// If it ended abnormally.
    Transient,
    /// Never.
    Temporary,
}

/// `args = …`: a value that waits for the type it must have.
#[derive(Clone, Debug)]
pub struct Arguments(pub(crate) Located<Value>);

pub(super) fn components(section: Section<'_>, capabilities: &[Capability], problems: &Problems) -> Vec<Component> {
    section
        .named_sections("components")
        .into_iter()
        .map(|(name, section)| component(name, section, capabilities, problems))
        .collect()
}

fn component(
    name: Located<String>,
    mut section: Section<'_>,
    capabilities: &[Capability],
    problems: &Problems,
) -> Component {
    check_name(&name, "component", problems);
    let package = section.string("package").unwrap_or_else(|| name.clone());
    let entry = section.string("entry");
    let capability = match section.string("capability") {
        None => "sandboxed".to_owned(),
        Some(found) => {
            let known = capabilities.iter().any(|capability| capability.name.value == found.value);
            if !known && capability::profile(&found.value).is_none() {
                problems.add(capability::unknown(&found.value, &found, capabilities));
            }
            found.value
        }
    };
    let resident = section.boolean("resident").unwrap_or(false);
    let restart = section.word(
        "restart",
        &[("permanent", Restart::Permanent), ("transient", Restart::Transient), ("temporary", Restart::Temporary)],
    );
    let args = section.value("args").map(|value| Arguments(Value::of(value)));
    if !resident {
        for key in ["restart", "args"] {
            if let Some(place) = section.place(key) {
                problems.add(
                    Problem::new(format!(
                        "`{key}` in {} means nothing for a component that is not resident",
                        section.title()
                    ))
                    .at(&place, "only used when it is started at boot")
                    .help("write `resident = true`, or take it out"),
                );
            }
        }
    }
    section.later("source");
    section.later("dynamic");
    section.finish();
    let resident = resident.then_some(Residence { restart: restart.unwrap_or(Restart::Permanent), args });
    Component { name, package, entry, capability, resident }
}
