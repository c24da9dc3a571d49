//! What all processes of one type have in common that were started at one place in the program, in one word of each.
//!
//! There are as many kinds as the program's text has places that start a type of process, so they are kept for ever. Each thread
//! remembers those that it started last.

use super::Vtable;
use crate::otp::lock;
use std::cell::Cell as StdCell;
use std::collections::HashMap;
use std::panic::Location;
use std::sync::{LazyLock, Mutex};

pub(super) struct Kind {
    pub(super) vtable: Vtable,
    pub(super) name: &'static str,
    pub(super) spawned_at: &'static Location<'static>,
    of: Of,
}

/// By their addresses: one thing that has two of them makes two kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Of {
    vtable: usize,
    name: usize,
    spawned_at: usize,
}

const REMEMBERED: usize = 64;

thread_local! {
    static LAST: [StdCell<Option<&'static Kind>>; REMEMBERED] = const { [const { StdCell::new(None) }; REMEMBERED] };
}

impl Of {
    /// Addresses differ in their middle bits.
    #[inline]
    fn place(self) -> usize {
        let mixed = self.vtable ^ self.name.rotate_left(7) ^ self.spawned_at.rotate_left(13);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize) >> (usize::BITS - 16)) % REMEMBERED
    }
}

/// The kind of these three.
#[inline]
pub(super) fn kind(
    vtable: &'static Vtable,
    name: &'static &'static str,
    spawned_at: &'static Location<'static>,
) -> &'static Kind {
    let of = Of {
        vtable: std::ptr::from_ref(vtable).addr(),
        name: std::ptr::from_ref(name).addr(),
        spawned_at: std::ptr::from_ref(spawned_at).addr(),
    };
    let place = of.place();
    match LAST.try_with(|last| last[place].get()) {
        Ok(Some(kind)) if kind.of == of => kind,
        _ => known(of, place, || Kind { vtable: *vtable, name, spawned_at, of }),
    }
}

#[cold]
fn known(of: Of, place: usize, make: impl FnOnce() -> Kind) -> &'static Kind {
    static ALL: LazyLock<Mutex<HashMap<Of, &'static Kind>>> = LazyLock::new(Mutex::default);
    let kind = *lock(&ALL).entry(of).or_insert_with(|| Box::leak(Box::new(make())));
    let _ = LAST.try_with(|last| last[place].set(Some(kind)));
    kind
}
