//! The attributes that the macros read and strip, and those that generated items inherit.

use proc_macro2::Ident;
use syn::{Attribute, Meta};

use crate::ctxt::Ctxt;
use crate::{doc, naming};

/// What runs when something happens to a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    Exit,
    Down,
    Terminate,
    Report,
    Enter,
    Timeout,
}

impl Event {
    pub(crate) const ALL: [Event; 6] =
        [Event::Exit, Event::Down, Event::Terminate, Event::Report, Event::Enter, Event::Timeout];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Event::Exit => "exit",
            Event::Down => "down",
            Event::Terminate => "terminate",
            Event::Report => "report",
            Event::Enter => "enter",
            Event::Timeout => "timeout",
        }
    }

    /// Whether only a state machine knows it.
    pub(crate) fn is_of_machines(self) -> bool {
        matches!(self, Event::Enter | Event::Timeout)
    }
}

/// The part that one of our attributes gives to a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Init,
    Cast,
    Stream,
    On(Event),
}

/// Takes our attributes off a function. The second value is the attribute itself, for errors about it.
///
/// An attribute that is ours but wrong is reported, stripped, and gives no role: [`Taken::Broken`].
pub(crate) fn take_role(cx: &Ctxt, attrs: &mut Vec<Attribute>) -> Taken {
    let mut taken = Taken::None;
    attrs.retain(|attr| {
        let Some(role) = role(cx, attr) else { return true };
        taken = match (&taken, role) {
            (Taken::None, Some(role)) => Taken::Role(role, Box::new(attr.clone())),
            (Taken::None, None) => Taken::Broken,
            (Taken::Role(..) | Taken::Broken, _) => {
                cx.error(
                    attr,
                    "a function has one role: keep only one of `#[init]`, `#[cast]`, `#[stream]` and `#[on(..)]`",
                );
                Taken::Broken
            }
        };
        false
    });
    taken
}

pub(crate) enum Taken {
    None,
    Role(Role, Box<Attribute>),
    Broken,
}

/// `None`: not ours. `Some(None)`: ours, and wrong.
fn role(cx: &Ctxt, attr: &Attribute) -> Option<Option<Role>> {
    let name = attr.path().get_ident()?;
    let role = match name.to_string().as_str() {
        "init" => Role::Init,
        "cast" => Role::Cast,
        "stream" => Role::Stream,
        "on" => return Some(event(cx, attr).map(Role::On)),
        _ => return None,
    };
    if !matches!(attr.meta, Meta::Path(_)) {
        // What is meant is clear all the same.
        cx.error(attr, format_args!("`#[{name}]` takes no arguments"));
    }
    Some(Some(role))
}

fn event(cx: &Ctxt, attr: &Attribute) -> Option<Event> {
    const KNOWN: &str =
        "there are `exit`, `down`, `terminate` and `report`, and `enter` and `timeout` of a state machine";
    let Meta::List(list) = &attr.meta else {
        cx.error(attr, format_args!("`#[on(..)]` names an event: {KNOWN}"));
        return None;
    };
    let Ok(name) = list.parse_args::<Ident>() else {
        if list.tokens.is_empty() {
            cx.error(attr, format_args!("`#[on(..)]` names an event: {KNOWN}"));
        } else {
            cx.error(&list.tokens, format_args!("`#[on(..)]` takes the name of one event: {KNOWN}"));
        }
        return None;
    };
    let known = Event::ALL.into_iter().find(|event| name == event.name());
    if known.is_none() {
        let word = name.to_string();
        match naming::suggestion(&word, &Event::ALL.map(Event::name)) {
            Some(likely) => cx.error(&name, format_args!("unknown event `{word}`: did you mean `{likely}`?")),
            None => cx.error(&name, format_args!("unknown event `{word}`: {KNOWN}")),
        }
    }
    known
}

pub(crate) fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg")
}

/// Reports every `#[cfg]` among `attrs`: these items are part of a form that must not depend on it.
pub(crate) fn no_cfg(cx: &Ctxt, attrs: &[Attribute], reason: &str) {
    for attr in attrs.iter().filter(|attr| is_cfg(attr) || attr.path().is_ident("cfg_attr")) {
        cx.error(attr, reason);
    }
}

/// What the items generated for a method take over from it.
#[derive(Clone, Default)]
pub(crate) struct Inherited {
    /// Everything generated for a method exists under the method's own condition.
    pub cfg: Vec<Attribute>,
    pub docs: Vec<Attribute>,
    pub deprecated: Vec<Attribute>,
}

impl Inherited {
    pub(crate) fn from(attrs: &[Attribute]) -> Self {
        let pick = |wanted: fn(&Attribute) -> bool| attrs.iter().filter(|attr| wanted(attr)).cloned().collect();
        Self { cfg: pick(is_cfg), docs: pick(doc::is_doc), deprecated: pick(|attr| attr.path().is_ident("deprecated")) }
    }
}
