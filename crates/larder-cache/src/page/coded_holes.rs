//! Compressed pages with holes: what is between the holes is compressed once, and a hit only puts it together.
//!
//! - Each part is compressed without the others, and ends with a whole byte. So a filling can stand between two of
//!   them, and the same bytes serve all visitors.
//! - What fills a hole is not compressed: it is a stored block (RFC 1951 §3.2.4). So a hit compresses nothing.
//! - The length of a response says nothing about what the secret in a hole has in common with the text beside it,
//!   which another visitor may have written. That is the attack BREACH on pages that are compressed as a whole.
//! - Only gzip. Clients that accept other codings accept it as well, or get the page uncompressed.

use bytes::Bytes;

use super::compress::deflated;
use super::holed::pieces;
use super::of_request::Fillings;
use crate::hole::Hole;

/// The header of a gzip file without name and time, from an unknown system. RFC 1952 §2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// The last block, which is empty. The blocks before it are not the last ones.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Bytes of the largest stored block.
const LARGEST_BLOCK: usize = u16::MAX as usize;

/// The compressed parts of a page: those before its holes, and the one after them.
#[derive(Debug, Clone)]
pub(super) struct CodedParts(Vec<Vec<u8>>);

impl CodedParts {
    /// Compresses the parts; returns `None` if that makes the page no shorter.
    pub(super) fn of(body: &Bytes, holes: &[Hole]) -> Option<Self> {
        let parts: Vec<_> =
            pieces(body, holes).map(|(part, _)| deflated(part)).collect::<Option<_>>()?;
        let coded = Self(parts);
        (coded.len() < body.len()).then_some(coded)
    }

    /// Returns the length of the response in which nothing fills the holes.
    fn len(&self) -> usize {
        HEADER.len() + self.0.iter().map(Vec::len).sum::<usize>() + LAST_BLOCK.len() + 8
    }

    /// Returns the compressed page with its holes filled. `body` and `holes` are those of [`CodedParts::of`].
    pub(super) fn filled(&self, body: &Bytes, holes: &[Hole], fillings: &Fillings) -> Bytes {
        let texts = holes.iter().map(|hole| fillings.get(&hole.name).len());
        // A filling in one block has five bytes more.
        let added: usize = texts.map(|length| length + 5).sum();
        let mut gzip = Vec::with_capacity(self.len() + added);
        gzip.extend_from_slice(&HEADER);
        let (mut check, mut length) = (crc32fast::Hasher::new(), 0_usize);
        for ((part, hole), coded) in pieces(body, holes).zip(&self.0) {
            gzip.extend_from_slice(coded);
            let filling = hole.map_or("", |hole| fillings.get(&hole.name)).as_bytes();
            filling.chunks(LARGEST_BLOCK).for_each(|text| store(text, &mut gzip));
            check.update(part);
            check.update(filling);
            length += part.len() + filling.len();
        }
        gzip.extend_from_slice(&LAST_BLOCK);
        gzip.extend_from_slice(&check.finalize().to_le_bytes());
        // The length counts modulo 2³².
        gzip.extend_from_slice(&(length as u32).to_le_bytes());
        gzip.into()
    }
}

/// Appends `text` as a stored block, whose text is at most [`LARGEST_BLOCK`] bytes long.
fn store(text: &[u8], gzip: &mut Vec<u8>) {
    let length = text.len() as u16;
    gzip.push(0);
    gzip.extend_from_slice(&length.to_le_bytes());
    gzip.extend_from_slice(&(!length).to_le_bytes());
    gzip.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;
    use crate::page::holed::filled;

    fn hole(at: usize, name: &str) -> Hole {
        Hole { at, name: name.to_owned() }
    }

    fn fillings(texts: &[(&str, &str)]) -> Fillings {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Fillings::new(texts.iter().map(owned).collect())
    }

    #[track_caller]
    fn assert_is_filled(body: &Bytes, holes: &[Hole], fillings: &Fillings) -> usize {
        let coded = CodedParts::of(body, holes).expect("it is shorter");
        let gzip = coded.filled(body, holes, fillings);
        let mut text = Vec::new();
        let mut decoder = GzDecoder::new(&*gzip);
        decoder.read_to_end(&mut text).unwrap();
        assert_eq!(text, filled(body, holes, fillings));
        assert!(decoder.into_inner().is_empty(), "nothing follows the only member");
        gzip.len()
    }

    #[test]
    fn a_filled_page_can_be_decompressed() {
        let body = Bytes::from("All work and no play. ".repeat(200));
        let end = body.len();
        let long = "x".repeat(3 * LARGEST_BLOCK + 7);
        for texts in [&[("a", "Ann"), ("b", "<b>Ü</b>")][..], &[("a", long.as_str())], &[]] {
            for holes in [
                vec![hole(0, "a")],
                vec![hole(0, "a"), hole(0, "b"), hole(9, "c"), hole(end, "b"), hole(end, "a")],
                vec![],
            ] {
                assert_is_filled(&body, &holes, &fillings(texts));
            }
        }
    }

    #[test]
    fn places_outside_of_the_body_show_nothing() {
        let body = Bytes::from("All work and no play. ".repeat(200));
        for holes in [vec![hole(3, "a"), hole(1, "a")], vec![hole(1, "a"), hole(99_999, "a")]] {
            assert_is_filled(&body, &holes, &fillings(&[("a", "Ann")]));
        }
    }

    #[test]
    fn the_length_says_nothing_about_what_fills_a_hole() {
        let body = Bytes::from("token=4e616d65; ".repeat(100));
        let length = |token| assert_is_filled(&body, &[hole(800, "a")], &fillings(&[("a", token)]));
        assert_eq!(length("token=4e616d65; "), length("vbqrzLfkXWPj0y9K"));
    }

    #[test]
    fn a_page_that_would_grow_is_not_compressed() {
        assert!(CodedParts::of(&Bytes::from_static(b"tea"), &[hole(1, "a")]).is_none());
    }

    proptest! {
        #[test]
        fn any_page_with_any_holes_can_be_decompressed(
            text in "[a-c]{600,900}",
            places in proptest::collection::btree_set(0..=600_usize, 0..6),
            filling in ".{0,99}",
        ) {
            let holes: Vec<_> = places.into_iter().map(|at| hole(at, "a")).collect();
            let (body, fillings) = (Bytes::from(text), fillings(&[("a", &filling)]));
            if CodedParts::of(&body, &holes).is_some() {
                assert_is_filled(&body, &holes, &fillings);
            }
        }
    }
}
