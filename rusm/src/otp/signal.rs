//! Links, monitors and exits as a pure state machine: state and signal in, effects out.
//!
//! Each process has one [`Signals`]. Signals between two processes may cross; the rules that keep both ends
//! honest:
//! - An exit signal over a link counts only while the receiver holds the link, so an `unlink` is final.
//! - A link is held as its halves: that which the process has asked for itself, by a number of its own, and that which the other
//!   one has asked for. An unlink lets go of both and tells the number of the other's half, as far as it was seen. So a link
//!   that crosses an unlink stands at both ends, as if it came after; any other falls at both ends. This needs of the way
//!   between two processes only that what one of them asks for itself arrives in its order.
//! - A down counts only while the receiver holds the monitor, so it arrives at most once and never
//!   after `demonitor`.
//! - A process that has ended answers `Link` and `Monitor` with the end at once (who sends a signal to a
//!   slot that is free already answers in its place: [`Signal::answer_of_nobody`]).
//! - Death empties both directions: the links and watchers are told, the watched forget their watcher.

use super::few::{self, Few};
use crate::wire::{Down, ExitReason, ExitSignal, MonitorRef, Pid};
use std::num::NonZeroU64;

/// What one process tells another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The sender holds a link now.
    Link { from: Pid, half: Half },
    /// The sender holds the link no more; it has seen the receiver's halves up to this one.
    Unlink { from: Pid, seen: Option<Half> },
    /// The watcher wants to know of the receiver's end.
    Monitor { monitor: MonitorRef, watcher: Pid },
    /// It does not any more.
    Demonitor { monitor: MonitorRef },
    /// The sender ended and held a link.
    LinkExit { from: Pid, reason: ExitReason },
    /// Somebody asks the receiver to end.
    Exit { from: Option<Pid>, reason: ExitReason },
    /// End now, whatever it traps.
    Kill,
    /// The watched process ended.
    Down { monitor: MonitorRef, pid: Pid, reason: ExitReason },
}

impl Signal {
    /// What the sender gets back when `nobody` is no process.
    pub(crate) fn answer_of_nobody(self, nobody: Pid) -> Option<(Pid, Signal)> {
        match self {
            Self::Link { from, .. } => Some((from, Self::LinkExit { from: nobody, reason: ExitReason::NoProcess })),
            Self::Monitor { monitor, watcher } => {
                Some((watcher, Self::Down { monitor, pid: nobody, reason: ExitReason::NoProcess }))
            }
            _ => None,
        }
    }
}

/// What is to be done about a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Effect {
    /// Pass this on.
    Send(Pid, Signal),
    /// Put an exit signal into the mailbox.
    DeliverExit(ExitSignal),
    /// Put a down into the mailbox.
    DeliverDown(Down),
    /// Ask the process, through its mailbox, to end.
    Stop(ExitReason),
    /// End the process at its next await.
    End(ExitReason),
}

/// What a process does with exit signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trap {
    /// Those of links are delivered to it as messages.
    pub(crate) links: bool,
    /// A request to end is taken between two messages, so that it can clean up.
    pub(crate) stop: bool,
}

/// The half of a link that one process has asked for: its number among those, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Half(NonZeroU64);

/// The first one.
const FIRST: Half = Half(NonZeroU64::MIN);

/// What one end holds of a link: at least one half.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Link {
    own: Option<Half>,
    theirs: Option<Half>,
}

/// What a process that has ended tells: to its links, its watchers and those that it watches, one after the other.
pub(crate) struct Farewell {
    pid: Pid,
    reason: ExitReason,
    told: Told,
}

/// Most have one link, that to their parent; an end moves this around.
enum Told {
    Nobody,
    Link(Pid),
    Many(Box<Many>),
}

struct Many {
    links: few::IntoIter<Pid, Link>,
    watchers: few::IntoIter<MonitorRef, Pid>,
    watching: few::IntoIter<MonitorRef, Pid>,
}

impl Farewell {
    /// The only one there is to tell, if that is a link, and what.
    pub(crate) fn only(&self) -> Option<(Pid, Signal)> {
        match self.told {
            Told::Link(to) => Some((to, self.exit())),
            _ => None,
        }
    }

    fn exit(&self) -> Signal {
        Signal::LinkExit { from: self.pid, reason: self.reason.clone() }
    }
}

impl Iterator for Farewell {
    type Item = Effect;

    fn next(&mut self) -> Option<Effect> {
        let pid = self.pid;
        let many = match &mut self.told {
            Told::Nobody => return None,
            Told::Link(to) => {
                let to = *to;
                self.told = Told::Nobody;
                return Some(Effect::Send(to, self.exit()));
            }
            Told::Many(many) => many,
        };
        if let Some((to, _)) = many.links.next() {
            return Some(Effect::Send(to, self.exit()));
        }
        if let Some((monitor, watcher)) = many.watchers.next() {
            return Some(Effect::Send(watcher, Signal::Down { monitor, pid, reason: self.reason.clone() }));
        }
        let (monitor, watched) = many.watching.next()?;
        Some(Effect::Send(watched, Signal::Demonitor { monitor }))
    }
}

/// The signal state of one process.
#[derive(Debug)]
pub(crate) struct Signals {
    pid: Pid,
    parent: Option<Pid>,
    trap: Trap,
    links: Few<Pid, Link>,
    /// The half that it asks for next.
    next: Half,
    watchers: Few<MonitorRef, Pid>,
    watching: Few<MonitorRef, Pid>,
    ended: Option<ExitReason>,
}

impl Signals {
    pub(crate) fn new(pid: Pid, parent: Option<Pid>, trap: Trap) -> Self {
        let (links, watchers, watching) = Default::default();
        Self { pid, parent, trap, links, next: FIRST, watchers, watching, ended: None }
    }

    /// Its links, and who watches it and whom it watches, one for each monitor.
    pub(crate) fn peers(&self) -> (Vec<Pid>, Vec<Pid>, Vec<Pid>) {
        let monitors = |pids: &Few<MonitorRef, Pid>| pids.iter().map(|(_, pid)| *pid).collect();
        let links = self.links.iter().map(|(pid, _)| *pid).collect();
        (links, monitors(&self.watchers), monitors(&self.watching))
    }

    /// How many bytes its links and monitors take, roughly.
    pub(crate) fn size(&self) -> usize {
        self.links.size() + self.watchers.size() + self.watching.size()
    }

    /// Why the process ended, if it did.
    pub(crate) fn ended(&self) -> Option<&ExitReason> {
        self.ended.as_ref()
    }

    /// Whether exits of links, and requests to end, are delivered from now on; what it was before.
    pub(crate) fn trap_exit(&mut self, on: bool) -> bool {
        std::mem::replace(&mut self.trap.links, on)
    }

    #[cfg(test)]
    pub(crate) fn links(&self) -> impl Iterator<Item = Pid> {
        self.links.iter().map(|(pid, _)| *pid)
    }

    /// The process links itself to another one. Linking to oneself means nothing.
    pub(crate) fn link(&mut self, to: Pid) -> Option<Effect> {
        if to == self.pid || self.ended.is_some() || self.links.contains(&to) {
            return None;
        }
        // One in each nanosecond takes 584 years to saturate.
        let half = self.next;
        self.next = Half(half.0.saturating_add(1));
        self.links.insert(to, Link { own: Some(half), theirs: None });
        Some(Effect::Send(to, Signal::Link { from: self.pid, half }))
    }

    /// The process links itself to one that is just being made, which is told with [`born_linked`](Self::born_linked); None if it
    /// has ended.
    pub(crate) fn link_newborn(&mut self, to: Pid) -> Option<Half> {
        match self.link(to)? {
            Effect::Send(_, Signal::Link { half, .. }) => Some(half),
            _ => None,
        }
    }

    /// Of a process whose parent has linked itself to it before it was there.
    pub(crate) fn born_linked(pid: Pid, parent: Pid, trap: Trap, half: Half) -> Self {
        let (watchers, watching) = Default::default();
        let links = Few::one(parent, Link { own: None, theirs: Some(half) });
        Self { pid, parent: Some(parent), trap, links, next: FIRST, watchers, watching, ended: None }
    }

    /// The process takes a link away.
    pub(crate) fn unlink(&mut self, from: Pid) -> Option<Effect> {
        let link = self.links.remove(&from)?;
        Some(Effect::Send(from, Signal::Unlink { from: self.pid, seen: link.theirs }))
    }

    /// The process watches another one.
    pub(crate) fn monitor(&mut self, monitor: MonitorRef, pid: Pid) -> Option<Effect> {
        if self.ended.is_some() {
            return None;
        }
        self.watching.insert(monitor, pid);
        Some(Effect::Send(pid, Signal::Monitor { monitor, watcher: self.pid }))
    }

    /// The process stops watching.
    pub(crate) fn demonitor(&mut self, monitor: MonitorRef) -> Option<Effect> {
        self.watching.remove(&monitor).map(|pid| Effect::Send(pid, Signal::Demonitor { monitor }))
    }

    /// A signal arrives.
    pub(crate) fn receive(&mut self, signal: Signal) -> Option<Effect> {
        if let Some(reason) = &self.ended {
            return answer_of_ended(self.pid, reason, signal);
        }
        match signal {
            Signal::Link { from, half } => {
                match self.links.get_mut(&from) {
                    Some(link) => link.theirs = Some(half),
                    None => self.links.insert(from, Link { own: None, theirs: Some(half) }),
                }
                None
            }
            Signal::Unlink { from, seen } => {
                self.unlinked(from, seen);
                None
            }
            Signal::Monitor { monitor, watcher } => {
                self.watchers.insert(monitor, watcher);
                None
            }
            Signal::Demonitor { monitor } => {
                self.watchers.remove(&monitor);
                None
            }
            Signal::LinkExit { from, reason } => self.link_exit(from, reason),
            Signal::Exit { from, reason } => self.exit(from, reason),
            Signal::Kill => Some(Effect::End(ExitReason::Killed)),
            Signal::Down { monitor, pid, reason } => {
                self.watching.remove(&monitor).map(|_| Effect::DeliverDown(Down { monitor, pid, reason }))
            }
        }
    }

    /// The other end has let go of all that it had asked for and seen.
    fn unlinked(&mut self, from: Pid, seen: Option<Half>) {
        let Some(link) = self.links.get_mut(&from) else { return };
        link.theirs = None;
        link.own = link.own.filter(|own| Some(*own) > seen);
        if link.own.is_none() {
            self.links.remove(&from);
        }
    }

    fn link_exit(&mut self, from: Pid, reason: ExitReason) -> Option<Effect> {
        self.links.remove(&from)?;
        // A child never outlives its parent, whatever it traps and however the parent ended.
        if Some(from) == self.parent {
            let reason = if reason == ExitReason::Normal { ExitReason::Shutdown } else { reason };
            return Some(self.stop_or_end(reason));
        }
        if self.trap.links {
            return Some(Effect::DeliverExit(ExitSignal { from, reason }));
        }
        (reason != ExitReason::Normal).then(|| self.stop_or_end(reason))
    }

    fn exit(&mut self, from: Option<Pid>, reason: ExitReason) -> Option<Effect> {
        match reason {
            // OTP: `normal` asks nothing of another process.
            ExitReason::Normal if from != Some(self.pid) => None,
            ExitReason::Killed => Some(Effect::End(reason)),
            reason => Some(self.stop_or_end(reason)),
        }
    }

    fn stop_or_end(&self, reason: ExitReason) -> Effect {
        if self.trap.stop || self.trap.links { Effect::Stop(reason) } else { Effect::End(reason) }
    }

    /// The process has ended: who is to be told, if somebody is. Later signals are answered from now on.
    pub(crate) fn end(&mut self, reason: ExitReason) -> Option<Farewell> {
        // Of an end that comes second nobody is left to be told: nothing gets in after the first one.
        self.ended.get_or_insert_with(|| reason.clone());
        let (links, watchers, watching) = (&mut self.links, &mut self.watchers, &mut self.watching);
        let told = if !watchers.is_empty() || !watching.is_empty() {
            None
        } else if links.is_empty() {
            return None;
        } else {
            links.take_only().map(Told::Link)
        };
        let told = told.unwrap_or_else(|| {
            Told::Many(Box::new(Many {
                links: std::mem::take(links).into_iter(),
                watchers: std::mem::take(watchers).into_iter(),
                watching: std::mem::take(watching).into_iter(),
            }))
        });
        Some(Farewell { pid: self.pid, reason, told })
    }
}

/// Between a process's end and the moment its slot is free, it answers with the real reason.
fn answer_of_ended(pid: Pid, reason: &ExitReason, signal: Signal) -> Option<Effect> {
    let (to, mut answer) = signal.answer_of_nobody(pid)?;
    if let Signal::Down { reason: slot, .. } | Signal::LinkExit { reason: slot, .. } = &mut answer {
        *slot = reason.clone();
    }
    Some(Effect::Send(to, answer))
}

#[cfg(test)]
mod tests;
