//! How many connections there may be, by how many files the process may have open.

use std::net::TcpListener;
use std::num::NonZeroU32;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::SockRef;

/// Files that are not for connections: databases, Redis, the log, what the runtime has open.
const RESERVE: u64 = 512;

/// Connections at most where the system allows more than that: each takes some memory.
const MOST: u64 = 5_000;

/// Connections that the system keeps for a moment until they are taken.
const BACKLOG: i32 = 4_096;

/// Raises the number of files that the process may have open as far as the system lets it; how many that
/// are.
pub fn raise() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1_024 };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// Connections at a time: those that were `wanted`, as far as so many `files` allow it.
pub fn connections(wanted: Option<NonZeroU32>, files: u64) -> usize {
    // A process of very few files keeps half of them.
    let room = files.saturating_sub(RESERVE).max(files / 2);
    let most = wanted.map_or(MOST, |wanted| u64::from(wanted.get()));
    usize::try_from(most.min(room).max(1)).unwrap_or(1)
}

/// Lets the system keep more connections for a moment than the standard library asks for.
pub fn widen(listener: &TcpListener) {
    // Where that fails there is less room for a crowd, and nothing else is different.
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
