//! How long a listener does not accept after a failure; pure.

use std::io;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(10);
const MOST: Duration = Duration::from_secs(1);

/// The pause after a failure of `accept`, when it was so long after the failure before; None if only the connection failed,
/// and the next one may be better.
pub(crate) fn pause_after(before: Duration, error: io::ErrorKind) -> Option<Duration> {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkDown,
        NetworkUnreachable,
    };
    match error {
        ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable | Interrupted | NetworkDown
        | NetworkUnreachable => None,
        _ => Some(double(before)),
    }
}

/// The pause after one of this length.
pub(super) fn double(pause: Duration) -> Duration {
    (pause * 2).clamp(FIRST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn failures_are_waited_out_longer_and_longer() {
        let ms = Duration::from_millis;
        let none = [
            ErrorKind::ConnectionAborted,
            ErrorKind::ConnectionRefused,
            ErrorKind::ConnectionReset,
            ErrorKind::HostUnreachable,
            ErrorKind::Interrupted,
            ErrorKind::NetworkDown,
            ErrorKind::NetworkUnreachable,
        ];
        for kind in none {
            for before in [ms(0), ms(40), ms(1000)] {
                assert_eq!(pause_after(before, kind), None, "{kind}: the connection failed, not the accepting");
            }
        }
        // EMFILE, ENFILE, ENOMEM, ENOBUFS, and what nobody has heard of.
        let system = [24, 23, 12, 105].map(|code| io::Error::from_raw_os_error(code).kind());
        for kind in system.into_iter().chain([ErrorKind::Other, ErrorKind::PermissionDenied]) {
            let steps =
                [(0, 10), (10, 20), (20, 40), (40, 80), (80, 160), (160, 320), (320, 640), (640, 1000), (1000, 1000)];
            for (before, after) in steps {
                assert_eq!(pause_after(ms(before), kind), Some(ms(after)), "{kind} after {before} ms");
            }
        }
    }
}
