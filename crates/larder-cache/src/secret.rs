//! The secret under which instances seal what they share: a key for HMAC-SHA-256.
//!
//! - An attacker who can write to the shared store cannot forge a value: the MAC covers the
//!   complete name in the store, the type, the stamps and the end of an entry, and its body.
//! - The secret is a handle: when the application replaces it, all clones seal and check with the
//!   new one.
//! - The secret is never printed.
//!
//! Source: RFC 2104; NIST SP 800-107 §5.3 (keys of the hash's own length).

use std::fmt;
use std::sync::{Arc, RwLock};

use hmac::{Hmac, Mac};
use sha2::Sha256;

type Keyed = Hmac<Sha256>;

/// The key of the MAC of shared values. Clones are the same handle.
///
/// ```
/// use larder_cache::Secret;
///
/// let bytes = [7; Secret::BYTES]; // In an application: from a place that only its instances read.
/// let secret = Secret::new(&bytes);
/// assert_eq!(format!("{secret:?}"), "***");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<RwLock<Keyed>>);

impl Secret {
    /// The length of a secret in bytes; they are drawn at random.
    pub const BYTES: usize = 32;

    /// The length of a MAC in bytes.
    pub const MAC_BYTES: usize = 32;

    /// Creates the secret of these bytes, which every instance that shares the store has.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Arc::new(RwLock::new(keyed(bytes))))
    }

    /// Draws a secret that no other process has.
    ///
    /// # Panics
    /// If the system has no random numbers.
    pub fn random() -> Self {
        let secret = Self::new(&[0; Self::BYTES]);
        secret.forget();
        secret
    }

    /// Seals and checks with these bytes from now on: what was sealed before is a miss.
    pub fn replace(&self, bytes: &[u8; Self::BYTES]) {
        *self.0.write().unwrap() = keyed(bytes);
    }

    /// Replaces the secret by a random one: nothing is shared until it is replaced again.
    ///
    /// # Panics
    /// If the system has no random numbers.
    pub fn forget(&self) {
        let mut bytes = [0; Self::BYTES];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        self.replace(&bytes);
    }

    /// Computes the MAC of `parts` under `name`, which says what they are for.
    pub fn mac(&self, name: &str, parts: [&[u8]; 2]) -> [u8; Self::MAC_BYTES] {
        self.begin(name, parts).finalize().into_bytes().into()
    }

    /// Reports whether `mac` is that of `parts` under `name`, in constant time.
    pub fn has_made(&self, mac: &[u8], name: &str, parts: [&[u8]; 2]) -> bool {
        self.begin(name, parts).verify_slice(mac).is_ok()
    }

    fn begin(&self, name: &str, parts: [&[u8]; 2]) -> Keyed {
        let mut mac = self.0.read().unwrap().clone();
        // The lengths come first, so that the boundaries of the parts are authentic too.
        for part in [name.as_bytes(), parts[0], parts[1]] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn keyed(bytes: &[u8; Secret::BYTES]) -> Keyed {
    Keyed::new_from_slice(bytes).expect("HMAC takes keys of every length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_of_one_secret_one_name_and_one_content() {
        let (ours, theirs) = (Secret::new(&[1; 32]), Secret::new(&[2; 32]));
        let mac = ours.mac("a", [b"b", b"c"]);
        assert!(ours.has_made(&mac, "a", [b"b", b"c"]));
        assert!(!theirs.has_made(&mac, "a", [b"b", b"c"]));
        for (name, parts) in [("ab", [&b""[..], b"c"]), ("a", [b"bc", b""]), ("", [b"ab", b"c"])] {
            assert!(!ours.has_made(&mac, name, parts), "{name} {parts:?}");
        }
        assert!(!ours.has_made(&mac[..16], "a", [b"b", b"c"]));
    }

    #[test]
    fn all_clones_go_by_the_new_secret() {
        let secret = Secret::new(&[1; 32]);
        let (clone, old) = (secret.clone(), secret.mac("a", [b"b", b"c"]));
        secret.replace(&[2; 32]);
        assert!(!clone.has_made(&old, "a", [b"b", b"c"]));
        assert_eq!(clone.mac("a", [b"b", b"c"]), Secret::new(&[2; 32]).mac("a", [b"b", b"c"]));
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::random()), "***");
    }
}
