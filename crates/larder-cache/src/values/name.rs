//! The names of values in a store.
//!
//! - A value's name is `prefix:version:key`, a lock's name is `prefix:lock:key`. So
//!   `redis-cli --scan` prints readable names, and a lock is never a value.
//! - A `:` or `%` in a prefix is written `%3A` or `%25`, so that one prefix cannot look like the
//!   first keys of another.
//! - Names of up to 250 bytes stay unchanged. A longer name keeps a readable head, and ends in `#`
//!   and the SHA-256 of the whole name, so that a client that chooses keys cannot choose a
//!   collision.
//!
//! Source: Django `default_key_func` (`prefix:version:key`); Rails `truncate_key`.

use crate::key;
use crate::store::KeyFault;

/// The longest prefix that stays unchanged, so that `clear` finds shortened names by their prefix.
const PREFIX_BYTES: usize = 100;

/// Returns the beginning of all names of a cache, whatever their version.
pub(super) fn of_cache(prefix: &str) -> String {
    let prefix = prefix.replace('%', "%25").replace(':', "%3A");
    shortened(prefix, PREFIX_BYTES) + ":"
}

/// Shortens a name to at most 250 bytes.
pub(super) fn bounded(name: String) -> String {
    shortened(name, KeyFault::MAX_BYTES)
}

fn shortened(text: String, limit: usize) -> String {
    if text.len() > limit { key::shortened(&text, limit, '#') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_with_separators_stay_apart() {
        assert_ne!(of_cache("a") + "1:1:x", of_cache("a:1") + "1:x");
        assert_ne!(of_cache("a:"), of_cache("a%3A"));
    }

    #[test]
    fn a_long_name_keeps_its_head_and_differs_in_its_tail() {
        let name = |last| bounded("posts:".to_owned() + &"é".repeat(200) + last);
        let short = name("a");
        assert!(short.starts_with("posts:é"), "{short}");
        assert!(short.len() <= 250 && short.len() > 245, "{}", short.len());
        assert_ne!(short, name("b"));
    }

    #[test]
    fn a_long_prefix_leaves_room_for_keys() {
        let front = of_cache(&"p".repeat(300));
        assert!(bounded(front.clone() + "1:" + &"k".repeat(300)).starts_with(&front));
    }

    #[test]
    fn a_short_name_is_as_it_reads() {
        let name = "a".repeat(250);
        assert_eq!(bounded(name.clone()), name);
    }
}
