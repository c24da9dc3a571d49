//! The line between two phones: carries packets in order, and loses some.

use crate::phone::Packet;
use rusm::prelude::*;

/// A line with two ends.
#[derive(Debug, Default)]
pub struct Line {
    ends: [Option<Callback<Packet>>; 2],
    lose: u32,
    carried: u64,
}

#[actor]
impl Line {
    #[init]
    fn start() -> Self {
        Self::default()
    }

    /// Connects whatever hears at this end, in place of what was there.
    pub fn plug(&mut self, end: bool, hears: Callback<Packet>) {
        self.ends[usize::from(end)] = Some(hears);
    }

    /// Loses so many of the next packets; tells how many it was given so far.
    pub fn lose(&mut self, packets: u32) -> u64 {
        self.lose = packets;
        self.carried
    }

    /// Carries a packet from this end to the other.
    #[cast]
    pub fn carry(&mut self, from: bool, packet: Packet) {
        self.carried += 1;
        if self.lose > 0 {
            self.lose -= 1;
        } else if let Some(hears) = &self.ends[usize::from(!from)] {
            // Nobody is told of a phone that is gone: the other one notices by itself.
            let _ = hears.call(packet);
        }
    }
}
