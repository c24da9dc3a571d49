//! The wait for a process's end.
//!
//! Who waits has a place in the process's side data, for as long as the future lives: a wait that is given up leaves nothing behind,
//! and to wait again costs no search. Wakers are foreign code: they are cloned and dropped outside of the lock.

use super::cell::Cell;
use crate::wire::ExitReason;
use std::future::Future;
use std::mem::replace;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Those who wait, each in a place of its own.
#[derive(Default)]
pub(super) struct Waiters {
    places: Vec<Place>,
    /// The first of the free places, which know each other, counted from 1.
    free: usize,
}

enum Place {
    Taken(Waker),
    /// The next free one, counted from 1; 0: there is none.
    Free(usize),
}

impl Waiters {
    fn insert(&mut self, waker: Waker) -> usize {
        let Some(place) = self.free.checked_sub(1) else {
            self.places.push(Place::Taken(waker));
            return self.places.len() - 1;
        };
        if let Place::Free(next) = replace(&mut self.places[place], Place::Taken(waker)) {
            self.free = next;
        }
        place
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut Waker> {
        match self.places.get_mut(place) {
            Some(Place::Taken(waker)) => Some(waker),
            Some(Place::Free(_)) | None => None,
        }
    }

    fn remove(&mut self, place: usize) -> Option<Waker> {
        self.get_mut(place)?;
        let taken = replace(&mut self.places[place], Place::Free(replace(&mut self.free, place + 1)));
        match taken {
            Place::Taken(waker) => Some(waker),
            Place::Free(_) => None,
        }
    }

    /// All of them; none is left.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        let all = std::mem::take(self);
        all.places.into_iter().filter_map(|place| match place {
            Place::Taken(waker) => Some(waker),
            Place::Free(_) => None,
        })
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.places.iter().filter(|place| matches!(place, Place::Taken(_))).count()
    }
}

/// Waits until a process has ended and everybody was told.
pub(crate) struct Gone<'a> {
    cell: &'a Cell,
    place: Option<usize>,
}

impl<'a> Gone<'a> {
    pub(super) fn new(cell: &'a Cell) -> Self {
        Self { cell, place: None }
    }
}

impl Future for Gone<'_> {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        let cell = self.cell;
        let known = self.place.is_some_and(|place| {
            let is_there = |waker: &mut Waker| waker.will_wake(cx.waker());
            cell.known_side(|side| side.known_waiters()?.get_mut(place).map(is_there)).flatten().unwrap_or(false)
        });
        if !known && !cell.was_told() {
            let waker = cx.waker().clone();
            let (place, left) = cell.side(|side| {
                if !cell.await_told() {
                    return (None, Some(waker));
                }
                let waiters = side.waiters();
                match self.place.and_then(|place| waiters.get_mut(place)) {
                    Some(before) => (self.place, Some(replace(before, waker))),
                    None => (Some(waiters.insert(waker)), None),
                }
            });
            self.place = place;
            drop(left);
        }
        if !cell.was_told() {
            return Poll::Pending;
        }
        Poll::Ready(cell.ended().unwrap_or(ExitReason::NoProcess))
    }
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        // Once they were told there is nobody in any place, nor ever again.
        let waker = self.cell.known_side(|side| side.known_waiters()?.remove(place)).flatten();
        drop(waker);
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests;
