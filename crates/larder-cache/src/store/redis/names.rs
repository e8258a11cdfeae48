//! The names of keys in a cluster.
//!
//! - A cluster places a key by what is between the first braces of its name. Each name begins with
//!   such a tag, a hash of the key: `{3f9a}blog:values:1:teas`. So no key is misplaced by braces of its own.
//! - A lease has the tag of its key: a script uses both, so they have to be on one server.
//!
//! Source: Redis cluster specification, "Hash tags" and "CRC16 reference implementation".

use xxhash_rust::xxh3::xxh3_64;

use crate::store::Leased;

/// Matches every tag.
pub(super) const ANY_TAG: &str = "{????}";

/// Returns the name of a key.
pub(in crate::store) fn tagged(key: &str) -> String {
    let leased = key.trim_start_matches(&*Leased::key_of(""));
    format!("{{{:04x}}}{key}", xxh3_64(leased.as_bytes()) as u16)
}

/// Returns the key with this name; `None` if no key has it.
pub(super) fn untagged(name: &str) -> Option<String> {
    let key = name.get(ANY_TAG.len()..)?;
    (tagged(key) == name).then(|| key.to_owned())
}

/// Returns the slot of a name that has a tag.
pub(in crate::store) fn slot(name: &str) -> u16 {
    let tag = name.get(1..ANY_TAG.len() - 1).unwrap_or(name);
    let crc = tag.bytes().fold(0, |crc: u16, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            // The polynomial of XMODEM.
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    });
    crc % 16384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_in_the_slot_of_its_key() {
        for key in ["blog:values:1:teas", "", "{a}", "load:", "load:load:a"] {
            let (name, lease) = (tagged(key), tagged(&Leased::key_of(key)));
            assert_eq!(name[..6], lease[..6], "{key}");
            assert_eq!(slot(&name), slot(&lease), "{key}");
        }
        assert_ne!(tagged("a")[..6], tagged("b")[..6]);
    }

    /// The slots are those of `CLUSTER KEYSLOT`.
    #[test]
    fn a_slot_is_that_of_the_tag() {
        assert_eq!(slot("{1234}a"), slot("{1234}b"));
        assert_eq!([slot("{1234}"), slot("{abcd}"), slot("{0000}")], [6025, 10294, 6794]);
    }

    #[test]
    fn a_name_is_read_back_as_its_key_and_others_names_are_not() {
        for key in ["a", "{b}:\u{e9}", ""] {
            assert_eq!(untagged(&tagged(key)).as_deref(), Some(key));
        }
        for name in ["a", "{0000}a", "{00}a", "{\u{e9}\u{e9}}a"] {
            assert_eq!(untagged(name), None, "{name}");
        }
    }
}
