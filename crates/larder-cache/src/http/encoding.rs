//! Negotiates the content coding by `Accept-Encoding`.
//!
//! - The coding with the highest weight wins; of equal weights, the one that the site offers first.
//!   RFC 9110 §12.5.3.
//! - `*` stands for every coding that is not named. Without `*`, only `identity` is acceptable unnamed.
//! - `identity` is acceptable unless it or `*` has `q=0`. If it is not named, every other acceptable coding
//!   is preferred.
//! - `x-gzip` is `gzip`; names are case-insensitive. RFC 9110 §8.4.1.
//! - Without the header, or if it is empty or unreadable, the coding is `identity`.

use super::types::header::HeaderValue;

use super::list::{self, Unreadable, trim};

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Uncompressed.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// The codings that the site offers, best first.
    pub const OFFERED: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// Returns the name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// Returns the coding of this name.
    pub fn named(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"identity" => Some(Self::Identity),
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"br" => Some(Self::Brotli),
            _ => None,
        }
    }
}

/// A client's weights for the codings, in thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    named: Vec<(Coding, u16)>,
    others: Option<u16>,
}

impl Accepted {
    /// Parses the lines of `Accept-Encoding`; an unreadable line counts as no header.
    pub(crate) fn of<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let mut accepted = Self::default();
        for line in lines {
            if accepted.read(line.as_bytes()).is_err() {
                return Self::default();
            }
        }
        accepted
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Unreadable> {
        for member in list::members(line)? {
            let (name, weight) = weighted(member)?;
            match Coding::named(name) {
                Some(coding) => self.named.push((coding, weight)),
                None if name == b"*" => self.others = Some(weight),
                None => {}
            }
        }
        Ok(())
    }

    /// Returns the best of `offered`, which is sorted best first, or `None` if none is acceptable.
    pub(crate) fn choose(&self, offered: &[Coding]) -> Option<Coding> {
        let liked = offered.iter().rev().map(|coding| (self.weight(*coding), *coding));
        // `max_by_key` takes the last of equals; in reverse order that is the one offered first.
        let best = liked.max_by_key(|(weight, _)| *weight)?;
        (best.0 > 0).then_some(best.1)
    }

    /// Returns the weight in millionths, so that an unnamed `identity` ranks below all named codings.
    fn weight(&self, coding: Coding) -> u32 {
        let weights = self.named.iter().filter(|(named, _)| *named == coding);
        match (weights.map(|(_, weight)| u32::from(*weight)).min(), self.others) {
            (Some(weight), _) => weight * 1000,
            (None, Some(0)) => 0,
            (None, _) if coding == Coding::Identity => 1,
            (None, Some(weight)) => u32::from(weight) * 1000,
            (None, None) => 0,
        }
    }
}

/// Parses a name and its weight in thousandths: `gzip;q=0.5`. RFC 9110 §12.4.2.
pub(super) fn weighted(member: &[u8]) -> Result<(&[u8], u16), Unreadable> {
    let mut parts = member.splitn(2, |byte| *byte == b';').map(trim);
    let name = parts.next().filter(|name| list::is_token(name)).ok_or(Unreadable)?;
    match parts.next() {
        None => Ok((name, 1000)),
        Some([b'q' | b'Q', b'=', weight @ ..]) => Ok((name, thousandths(weight)?)),
        Some(_) => Err(Unreadable),
    }
}

/// Parses 0 to 1 with up to three decimals.
fn thousandths(text: &[u8]) -> Result<u16, Unreadable> {
    let (whole, digits) = match text {
        [whole] => (whole, [].as_slice()),
        [whole, b'.', digits @ ..] if digits.len() <= 3 => (whole, digits),
        _ => return Err(Unreadable),
    };
    if !matches!(whole, b'0' | b'1') || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Unreadable);
    }
    let digit = |at: usize| digits.get(at).map_or(0, |byte| u16::from(byte - b'0'));
    let weight = u16::from(whole - b'0') * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2);
    if weight > 1000 { Err(Unreadable) } else { Ok(weight) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(lines: &[&'static str]) -> Option<&'static str> {
        let lines: Vec<_> = lines.iter().map(|line| HeaderValue::from_static(line)).collect();
        Accepted::of(&lines).choose(&Coding::OFFERED).map(Coding::name)
    }

    #[test]
    fn the_client_weighs_before_the_site() {
        let cases = [
            ("gzip, br", "br"),
            ("br, gzip, deflate, zstd", "br"),
            ("gzip", "gzip"),
            ("GZIP;Q=1", "gzip"),
            ("x-gzip", "gzip"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0.001", "br"),
            ("br ; q=1.000 , gzip;q=0.999", "br"),
            ("identity, br;q=0.5", "identity"),
            ("br;q=0, gzip", "gzip"),
            ("br;q=0, gzip;q=0.0", "identity"),
            ("deflate", "identity"),
            ("br, br;q=0", "identity"),
        ];
        for (line, expected) in cases {
            assert_eq!(choose(&[line]), Some(expected), "{line}");
        }
        assert_eq!(choose(&["gzip;q=0.5", "br"]), Some("br"));
    }

    #[test]
    fn a_star_stands_for_every_unnamed_coding() {
        assert_eq!(choose(&["*"]), Some("br"));
        assert_eq!(choose(&["br;q=0, *"]), Some("gzip"));
        assert_eq!(choose(&["gzip, *;q=0.5"]), Some("gzip"));
        assert_eq!(choose(&["identity;q=0.1, *;q=0.5"]), Some("br"));
    }

    #[test]
    fn identity_is_acceptable_unless_it_is_refused() {
        assert_eq!(choose(&["deflate, identity;q=0"]), None);
        assert_eq!(choose(&["deflate, *;q=0"]), None);
        assert_eq!(choose(&["gzip, identity;q=0"]), Some("gzip"));
        assert_eq!(choose(&["identity, *;q=0"]), Some("identity"));
    }

    #[test]
    fn without_a_readable_header_it_is_identity() {
        assert_eq!(choose(&[]), Some("identity"));
        let lines = [
            "",
            "gzip;q=2",
            "gzip;q=1.001",
            "gzip;q=0.0001",
            "gzip;q=",
            "gzip;q",
            "gzip;x=1",
            "gzip;q=1;x",
            "gzip q=1",
            "gzip;q=-1",
            "\"gzip\"",
            "gzip;q=.5",
            "gzip, \"",
            "gzip;q =1",
            "gzip;q=0.5x",
        ];
        for line in lines {
            assert_eq!(choose(&[line]), Some("identity"), "{line}");
        }
    }

    #[test]
    fn only_offered_codings_are_chosen() {
        let accepted = Accepted::of([&HeaderValue::from_static("br, gzip")]);
        assert_eq!(accepted.choose(&[Coding::Identity]), Some(Coding::Identity));
        assert_eq!(accepted.choose(&[]), None);
    }
}
