//! Commands with arguments.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, cmd};

use crate::store::Item;

/// Keys that Redis examines in one step of a scan, which takes it about 1 ms.
const SCAN_COUNT: usize = 1000;

/// Builds an `MGET` of one name, which finds nothing if the key is of another type than string.
pub(super) fn get(name: &str) -> Cmd {
    let mut command = cmd("MGET");
    command.arg(name);
    command
}

/// Builds an `UNLINK` of one name.
pub(super) fn unlink(name: &str) -> Cmd {
    let mut command = cmd("UNLINK");
    command.arg(name);
    command
}

/// Builds a `SET` that holds the lifetime in the same command.
pub(super) fn set(name: &str, item: &Item<'_>) -> Cmd {
    let mut command = cmd("SET");
    command.arg(name).arg(item.bytes.as_ref());
    if let Some(left) = item.lifetime.duration() {
        command.arg("PX").arg(millis(left));
    }
    command
}

/// Builds the `SCAN` of one page of names that begin with a pattern, and then a text.
pub(super) fn scan(cursor: &str, pattern: &str, text: &str) -> Cmd {
    let mut command = cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(format!("{pattern}{}*", literal(text)));
    command.arg("COUNT").arg(SCAN_COUNT);
    command
}

/// Escapes a prefix for `MATCH`, so that every character means itself.
fn literal(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for c in prefix.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Returns a time as Redis takes it.
pub(super) fn millis(left: Duration) -> u64 {
    left.as_millis() as u64
}
