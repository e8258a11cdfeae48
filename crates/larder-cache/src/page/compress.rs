//! Compresses the bodies of pages.
//!
//! - A page is compressed once per coding, and the result is stored. Beyond the chosen levels, time grows
//!   faster than bodies shrink.
//! - Only text is compressed, and only if it is long enough and becomes shorter.
//! - A response that is already coded, or says `no-transform`, is never compressed. RFC 9110 §7.7, §8.4.
//! - Each coding has its own entity tag, `"abc-br"`, because a tag names bytes. A weak tag stays weak.
//!   RFC 9110 §8.8.3.3.
//! - A compressible page varies on `Accept-Encoding` in every coding. RFC 9110 §12.5.5.

use std::io;
#[cfg(feature = "compress")]
use std::io::Write;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue,
};
#[cfg(feature = "compress")]
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder},
};

use crate::http::directives::Directives;
use crate::http::encoding::{Accepted, Coding};
use crate::http::entity_tag::EntityTag;
use crate::http::list::trim;

/// Length of the shortest body to compress, in bytes: less fits into one packet anyway.
pub(super) const SHORTEST: usize = 1024;

/// 0 to 9. Of 37 KB of HTML, level 6 makes 9134 bytes in 0.9 ms and level 9 makes 9125 in 1.0 ms.
#[cfg(feature = "compress")]
const GZIP_LEVEL: u32 = 6;
/// 0 to 11: 5 makes 8599 bytes of the same HTML in 1.0 ms, 9 makes 8544 in 16 ms, 11 7583 in 77 ms.
#[cfg(feature = "compress")]
const BROTLI_LEVEL: i32 = 5;
/// Binary logarithm of the window: 256 KiB, which is more than most pages have.
#[cfg(feature = "compress")]
const BROTLI_WINDOW: i32 = 18;

/// Compressible types whose names do not begin with `text/`.
const TEXTS: [&str; 9] = [
    "application/json",
    "application/javascript",
    "application/xml",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "image/svg+xml",
    "image/bmp",
    "font/ttf",
];

impl Coding {
    /// Returns the coding in which a page is sent to a client that accepts these codings.
    ///
    /// `headers` and `length`, in bytes, are those of the uncompressed page.
    pub fn of_page(headers: &HeaderMap, length: usize, accepted: &[HeaderValue]) -> Self {
        let directives = Directives::of(headers.get_all(CACHE_CONTROL));
        let is_codable = is_worth_compressing(headers, &directives, length);
        let wanted = (is_codable && !accepted.is_empty()).then(|| Accepted::of(accepted));
        wanted.and_then(|wanted| wanted.choose(&Self::OFFERED)).unwrap_or(Self::Identity)
    }
}

/// Reports whether a response with these headers and this length is worth compressing.
pub(super) fn is_worth_compressing(
    headers: &HeaderMap,
    directives: &Directives,
    length: usize,
) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE);
    let is_text = types.next().is_some_and(|line| is_text(line.as_bytes()));
    is_text
        && types.next().is_none()
        && cfg!(feature = "compress")
        && length >= SHORTEST
        && !directives.no_transform
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
}

/// Reports whether a `Content-Type` is text, or as compressible as text.
pub(super) fn is_text(content_type: &[u8]) -> bool {
    let name = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    let Ok(name) = str::from_utf8(trim(name)) else { return false };
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        // A stream never ends, so it cannot be compressed as a whole.
        "text/event-stream" => false,
        _ if name.starts_with("text/") => true,
        _ => TEXTS.contains(&name.as_str()) || name.ends_with("+json") || name.ends_with("+xml"),
    }
}

/// Compresses `body`; returns `None` if the result is not shorter.
pub(super) fn compress(coding: Coding, body: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut coded = match coding {
        Coding::Identity => return Ok(None),
        Coding::Gzip => gzip(body)?,
        Coding::Brotli => brotli(body)?,
    };
    // The result is stored: the room that was left for it would be, too.
    coded.shrink_to_fit();
    Ok((coded.len() < body.len()).then_some(coded))
}

/// Compresses with gzip, without name and time: equal bodies give equal bytes.
#[cfg(feature = "compress")]
fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let room = Vec::with_capacity(body.len() / 3);
    let mut encoder = GzEncoder::new(room, Compression::new(GZIP_LEVEL));
    encoder.write_all(body)?;
    encoder.finish()
}

/// Compresses a part of a body into blocks of which none is the last one, and which end with a whole byte.
///
/// Returns `None` only where this crate cannot compress.
#[cfg(feature = "compress")]
pub(super) fn deflated(part: &[u8]) -> Option<Vec<u8>> {
    if part.is_empty() {
        return Some(Vec::new());
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
    encoder.write_all(part).and_then(|()| encoder.flush()).ok()?;
    // Not finished, which would write a last block.
    let mut blocks = std::mem::take(encoder.get_mut());
    blocks.shrink_to_fit();
    Some(blocks)
}

#[cfg(feature = "compress")]
fn brotli(mut body: &[u8]) -> io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_LEVEL,
        lgwin: BROTLI_WINDOW,
        size_hint: body.len(),
        ..Default::default()
    };
    let mut coded = Vec::with_capacity(body.len() / 3);
    brotli::BrotliCompress(&mut body, &mut coded, &parameters)?;
    Ok(coded)
}

/// Reports whether a handler's own tag ends like one that [`EntityTag::in_coding`] builds, so that the two cannot be told
/// apart.
#[must_use]
pub(super) fn is_like_ours(tag: &EntityTag) -> bool {
    tag_of(tag.clone()) != *tag
}

/// Returns the tag of the uncompressed page, given a tag that [`EntityTag::in_coding`] may have built.
#[must_use]
pub(super) fn tag_of(tag: EntityTag) -> EntityTag {
    let codings = [b"-gzip".as_slice(), b"-br"].into_iter();
    let opaque = codings.filter_map(|suffix| tag.opaque.strip_suffix(suffix)).next();
    match opaque.map(<[u8]>::to_owned) {
        Some(opaque) if cfg!(feature = "compress") => EntityTag { opaque, ..tag },
        _ => tag,
    }
}

#[cfg(not(feature = "compress"))]
use as_it_is as gzip;

#[cfg(not(feature = "compress"))]
use as_it_is as brotli;

#[cfg(not(feature = "compress"))]
pub(super) fn deflated(_: &[u8]) -> Option<Vec<u8>> {
    None
}

/// Returns the body uncompressed, which is never shorter.
#[cfg(not(feature = "compress"))]
fn as_it_is(body: &[u8]) -> io::Result<Vec<u8>> {
    Ok(body.to_vec())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use actix_web::http::header::HeaderValue;
    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn decompress(coding: Coding, coded: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        match coding {
            Coding::Identity => body.extend(coded),
            Coding::Gzip => {
                GzDecoder::new(coded).read_to_end(&mut body).unwrap();
            }
            Coding::Brotli => {
                brotli::Decompressor::new(coded, 4096).read_to_end(&mut body).unwrap();
            }
        }
        body
    }

    fn tag(text: &str) -> EntityTag {
        EntityTag::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_coded_body_is_shorter_and_the_same_each_time() {
        let body = b"<li>tea, green</li>".repeat(200);
        for coding in [Coding::Gzip, Coding::Brotli] {
            let coded = compress(coding, &body).unwrap().unwrap();
            assert!(coded.len() < body.len() / 10);
            assert_eq!(decompress(coding, &coded), body);
            assert_eq!(compress(coding, &body).unwrap().unwrap(), coded);
        }
    }

    #[test]
    fn a_body_that_would_grow_is_not_compressed() {
        for coding in Coding::OFFERED {
            assert_eq!(compress(coding, b"x").unwrap(), None);
            assert_eq!(compress(coding, b"").unwrap(), None);
        }
    }

    #[test]
    fn only_text_is_compressed() {
        let types = [
            "text/html; charset=utf-8",
            "TEXT/css",
            "application/json",
            "application/ld+json",
            "image/svg+xml",
        ];
        for name in types {
            assert!(is_text(name.as_bytes()), "{name}");
        }
        for name in
            ["image/png", "text/event-stream", "application/zip", "", "application/pdf", "é"]
        {
            assert!(!is_text(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn short_coded_and_untransformable_bodies_are_not_compressed() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        let plain = Directives::default();
        assert!(is_worth_compressing(&headers, &plain, SHORTEST));
        assert!(!is_worth_compressing(&headers, &plain, SHORTEST - 1));
        assert!(!is_worth_compressing(
            &headers,
            &Directives { no_transform: true, ..plain.clone() },
            SHORTEST
        ));
        assert!(!is_worth_compressing(&HeaderMap::new(), &plain, SHORTEST));
        for name in [CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE] {
            let mut headers = headers.clone();
            headers.append(name, HeaderValue::from_static("text/html"));
            assert!(!is_worth_compressing(&headers, &plain, SHORTEST));
        }
    }

    #[test]
    fn each_coding_has_its_own_tag_and_a_weak_one_stays_weak() {
        assert_eq!(tag("\"abc\"").in_coding(Coding::Brotli), tag("\"abc-br\""));
        assert_eq!(tag("W/\"abc\"").in_coding(Coding::Gzip), tag("W/\"abc-gzip\""));
        assert_eq!(tag("\"abc\"").in_coding(Coding::Identity), tag("\"abc\""));
    }

    #[test]
    fn the_tag_of_the_page_is_found_in_that_of_each_coding() {
        for tag in [tag("\"abc\""), tag("W/\"abc\"")] {
            for coding in [Coding::Identity, Coding::Gzip, Coding::Brotli] {
                assert_eq!(tag_of(tag.in_coding(coding)), tag);
            }
        }
    }

    proptest! {
        #[test]
        fn compressed_bodies_can_be_decompressed(body: Vec<u8>) {
            for coding in [Coding::Gzip, Coding::Brotli] {
                if let Some(coded) = compress(coding, &body).unwrap() {
                    prop_assert_eq!(decompress(coding, &coded), body.as_slice());
                }
            }
        }
    }
}
