//! Limits the number of connections by the number of files that the process may have open.

use std::net::TcpListener;
use std::num::NonZeroU32;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::SockRef;

/// Files reserved for other uses than connections: databases, Redis, the log, the runtime.
const RESERVE: u64 = 512;

/// The default limit on connections, which bounds the memory that they take.
const MOST: u64 = 5_000;

/// Connections that the system queues until the server accepts them.
const BACKLOG: i32 = 4_096;

/// Raises the limit on open files as far as the system permits, and returns it.
pub fn raise() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1_024 };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// Returns the limit on connections: `wanted`, or the default, as far as `files` permits.
pub fn connections(wanted: Option<NonZeroU32>, files: u64) -> usize {
    // A process with a very low limit reserves half of its files instead.
    let room = files.saturating_sub(RESERVE).max(files / 2);
    let most = wanted.map_or(MOST, |wanted| u64::from(wanted.get()));
    usize::try_from(most.min(room).max(1)).unwrap_or(1)
}

/// Enlarges the queue of not yet accepted connections beyond the standard library's default.
pub fn widen(listener: &TcpListener) {
    // A failure is harmless: the queue for bursts of connections just stays shorter.
    let _ = SockRef::from(listener).listen(BACKLOG);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_all_else() {
        let cases = [
            (None, 1_048_576, 5_000),
            (None, 4_096, 3_584),
            (None, 1_024, 512),
            (None, 64, 32),
            (NonZeroU32::new(100), 1_048_576, 100),
            (NonZeroU32::new(100_000), 1_048_576, 100_000),
            (NonZeroU32::new(5_000), 4_096, 3_584),
            (None, 1, 1),
        ];
        for (wanted, files, expected) in cases {
            assert_eq!(connections(wanted, files), expected, "{wanted:?} of {files}");
        }
    }
}
