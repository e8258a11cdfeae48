//! Which keys another store might refuse.

use std::fmt;

/// What is wrong with a key. Our stores take it all the same; memcached would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// Longer than [`KeyFault::MAX_BYTES`].
    TooLong { bytes: usize },
    /// Holds white space or a control character.
    Unprintable(char),
}

impl KeyFault {
    /// The longest key that memcached takes.
    pub const MAX_BYTES: usize = 250;

    /// The first thing wrong with this complete key.
    ///
    /// Source: Django `memcache_key_warnings`.
    pub fn of(key: &str) -> Option<Self> {
        if key.len() > Self::MAX_BYTES {
            return Some(Self::TooLong { bytes: key.len() });
        }
        key.chars().find(|c| c.is_whitespace() || c.is_control()).map(Self::Unprintable)
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "{bytes} bytes are more than {}", Self::MAX_BYTES)
            }
            Self::Unprintable(c) => write!(f, "it holds the character {c:?}"),
        }
    }
}
