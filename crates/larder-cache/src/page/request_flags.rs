//! Classifies a request by the names of its headers, in one pass.
//!
//! - Each header is looked at once, however many rules ask: a page hit asks for twenty names.
//! - Values are ignored, except that a body of no bytes counts as no body.

use actix_web::http::header::{HeaderMap, HeaderValue};

use crate::http::passed_on::PassedOn;

/// A set of flags that describe a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RequestFlags(u8);

impl RequestFlags {
    /// It has a body.
    pub(crate) const BODY: Self = Self(1);
    /// It asks for another protocol.
    pub(crate) const UPGRADE: Self = Self(1 << 1);
    /// It overrides method or target: some frameworks treat it as another request.
    pub(crate) const OVERRIDDEN: Self = Self(1 << 2);
    /// It has forwarding headers about scheme or host, or others by which pages differ.
    pub(crate) const FORWARDED: Self = Self(1 << 3);
    /// It has conditions or asks for a part.
    pub(crate) const CONDITIONAL: Self = Self(1 << 4);

    /// It has cookies.
    pub(crate) const COOKIES: Self = Self(1 << 5);
    /// It identifies or locates the client by other headers than `Cookie` and `Authorization`.
    pub(crate) const CLIENT: Self = Self(1 << 6);

    /// Computes the flags of a request with these headers.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let each = headers.iter().map(|(name, value)| Self::by(name.as_str(), value).0);
        Self(each.fold(0, |all, one| all | one))
    }

    /// Reports whether any of these flags is set.
    pub(crate) fn is(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the flags of one header, whose name is in lower case.
    fn by(name: &str, value: &HeaderValue) -> Self {
        match name {
            "content-length" if value == "0" => Self::default(),
            "content-length" | "transfer-encoding" => Self::BODY,
            "upgrade" => Self::UPGRADE,
            "cookie" => Self::COOKIES,
            "if-match"
            | "if-none-match"
            | "if-modified-since"
            | "if-unmodified-since"
            | "if-range"
            | "range" => Self::CONDITIONAL,
            _ => match PassedOn::of(name) {
                Some(PassedOn::Origin) => Self::FORWARDED,
                Some(PassedOn::Client) => Self::CLIENT,
                Some(PassedOn::Request) => Self::OVERRIDDEN,
                None => Self::default(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{
        ACCEPT, CONTENT_LENGTH, COOKIE, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE,
    };

    use super::*;
    use crate::http::conditional::CONDITIONS;

    fn by(name: &HeaderName, value: &'static str) -> RequestFlags {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("shop.test"));
        headers.insert(name.clone(), HeaderValue::from_static(value));
        RequestFlags::of(&headers)
    }

    #[test]
    fn every_name_that_a_rule_asks_for_sets_its_flag() {
        assert!(CONDITIONS.iter().all(|name| by(name, "x") == RequestFlags::CONDITIONAL));
        for (name, flags) in [
            ("x-forwarded-ssl", RequestFlags::FORWARDED),
            ("x-forwarded-for", RequestFlags::CLIENT),
            ("x-http-method-override", RequestFlags::OVERRIDDEN),
        ] {
            assert_eq!(by(&HeaderName::from_static(name), "x"), flags);
        }
        assert_eq!(by(&UPGRADE, "websocket"), RequestFlags::UPGRADE);
        assert_eq!(by(&TRANSFER_ENCODING, "chunked"), RequestFlags::BODY);
        assert_eq!(by(&COOKIE, "a=b"), RequestFlags::COOKIES);
        assert_eq!(by(&ACCEPT, "*/*"), RequestFlags::default());
    }

    #[test]
    fn a_body_of_no_bytes_is_no_body() {
        assert_eq!(by(&CONTENT_LENGTH, "0"), RequestFlags::default());
        for length in ["1", "00", "", "x"] {
            assert_eq!(by(&CONTENT_LENGTH, length), RequestFlags::BODY, "{length:?}");
        }
    }

    #[test]
    fn a_request_can_have_several_flags() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_LENGTH, HeaderValue::from_static("0"));
        headers.append(CONTENT_LENGTH, HeaderValue::from_static("5"));
        headers.append(UPGRADE, HeaderValue::from_static("h2c"));
        let flags = RequestFlags::of(&headers);
        assert!(
            flags.is(RequestFlags::BODY)
                && flags.is(RequestFlags::UPGRADE)
                && !flags.is(RequestFlags::FORWARDED)
        );
    }
}
