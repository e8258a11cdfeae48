//! The check for keys that another store might refuse.

use std::fmt;

/// What is wrong with a key. The stores here accept such a key; memcached would refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// Longer than [`KeyFault::MAX_BYTES`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Contains white space or a control character.
    Unprintable(char),
}

impl KeyFault {
    /// The longest key that memcached accepts.
    pub(crate) const MAX_BYTES: usize = 250;

    /// Returns the first fault of a complete key, or `None`.
    ///
    /// Source: Django `memcache_key_warnings`.
    pub(crate) fn of(key: &str) -> Option<Self> {
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
