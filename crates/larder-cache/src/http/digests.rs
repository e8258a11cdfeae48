//! Names the headers with digests of a body.
//!
//! - Digests of the content hold for exactly the bytes that are sent; those of the representation hold for the
//!   whole of it in its coding, also beside a part. RFC 9530 §2, §3; RFC 3230 and RFC 1864 for the older ones.

use super::types::header::HeaderName;

/// Digests of the bytes that are sent.
pub(crate) const OF_THE_CONTENT: [HeaderName; 2] =
    [HeaderName::from_static("content-digest"), HeaderName::from_static("content-md5")];

/// Digests of the representation, of which the bytes that are sent may be a part.
pub(crate) const OF_THE_REPRESENTATION: [HeaderName; 2] =
    [HeaderName::from_static("repr-digest"), HeaderName::from_static("digest")];

/// Reports whether this header is a digest of either kind.
pub(crate) fn is_digest(name: &HeaderName) -> bool {
    OF_THE_CONTENT.contains(name) || OF_THE_REPRESENTATION.contains(name)
}
