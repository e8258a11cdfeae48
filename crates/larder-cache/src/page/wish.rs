//! What a plain request asks for: its method, its target, and the headers by which layers and pages may tell requests
//! apart.

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The headers that are compared. Requests that have the same are asked for the same.
///
/// With them, too, what is asked of a page depends on the page alone: a condition is compared with its validators.
const COMPARED: [&str; 13] = [
    "host",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "if-modified-since",
    "if-none-match",
    "pragma",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "upgrade-insecure-requests",
];

/// The most bytes of a target and the compared values: what is remembered of a request is bounded.
const LONGEST: usize = 2 << 10;

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Wish<'r> {
    is_head: bool,
    target: &'r str,
    values: [Option<&'r [u8]>; COMPARED.len()],
    pub hash: u64,
}

/// The same, for longer than the request.
#[derive(Debug, Clone)]
pub(super) struct OwnWish {
    is_head: bool,
    target: Box<str>,
    values: [Option<Box<[u8]>>; COMPARED.len()],
    pub hash: u64,
}

/// What a header means for a wish.
enum Header {
    /// It is compared: the one of this number.
    Compared(usize),
    /// It tells something of the client or the connection, by which no page differs.
    Ignored,
    /// The request is none that is plain.
    Other,
}

impl Header {
    fn of(name: &str) -> Self {
        match name {
            "user-agent" | "connection" | "referer" | "dnt" | "sec-gpc" | "priority" | "te"
            | "sec-ch-ua" | "sec-ch-ua-mobile" | "sec-ch-ua-platform" => Self::Ignored,
            _ => match COMPARED.iter().position(|known| *known == name) {
                Some(place) => Self::Compared(place),
                None => Self::Other,
            },
        }
    }
}

/// Reports whether requests that differ in this header have different wishes.
pub(super) fn is_compared(name: &HeaderName) -> bool {
    COMPARED.contains(&name.as_str())
}

impl<'r> Wish<'r> {
    /// Returns what a request asks for; `None` if its method, another header, or one that is repeated, may matter, or
    /// if it is long.
    pub(super) fn of(request: &'r RequestHead, seed: u64) -> Option<Self> {
        let is_head = request.method == Method::HEAD;
        if !is_head && request.method != Method::GET {
            return None;
        }
        let target = request.uri.path_and_query().filter(|_| request.uri.scheme().is_none())?;
        let (target, values) = (target.as_str(), compared(&request.headers)?);
        let bytes: usize = values.iter().flatten().map(|value| value.len()).sum();
        if target.len() + bytes > LONGEST {
            return None;
        }
        let mut hash = xxh3_64_with_seed(target.as_bytes(), seed.wrapping_add(is_head.into()));
        for (number, value) in (1..).zip(&values) {
            if let Some(value) = value {
                // The number tells the same value of two headers apart.
                hash = xxh3_64_with_seed(value, hash.wrapping_add(number));
            }
        }
        Some(Self { is_head, target, values, hash })
    }

    /// Copies it.
    pub(super) fn to_own(&self) -> OwnWish {
        let values = self.values.map(|value| value.map(Box::from));
        let Self { is_head, target, hash, .. } = *self;
        OwnWish { is_head, target: target.into(), values, hash }
    }
}

impl OwnWish {
    /// Reports whether a request asks for the same.
    pub(super) fn is(&self, wish: &Wish<'_>) -> bool {
        self.hash == wish.hash
            && self.is_head == wish.is_head
            && *self.target == *wish.target
            && self.values.iter().zip(wish.values).all(|(own, other)| own.as_deref() == other)
    }
}

/// Returns the values of the headers that are compared.
fn compared(headers: &HeaderMap) -> Option<[Option<&[u8]>; COMPARED.len()]> {
    let mut values = [None; COMPARED.len()];
    for (name, value) in headers {
        match Header::of(name.as_str()) {
            Header::Compared(place) if values[place].is_none() => {
                values[place] = Some(value.as_bytes());
            }
            Header::Ignored => {}
            Header::Compared(_) | Header::Other => return None,
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn hash(request: TestRequest) -> Option<u64> {
        let request = request.to_srv_request();
        let wish = Wish::of(request.head(), 7)?;
        assert!(wish.to_own().is(&wish));
        Some(wish.hash)
    }

    fn get(target: &str) -> TestRequest {
        TestRequest::get().uri(target).insert_header(("host", "shop.test"))
    }

    #[test]
    fn only_known_headers_are_plain() {
        assert!(hash(get("/")).is_some());
        for name in [
            "cookie",
            "authorization",
            "x-forwarded-for",
            "forwarded",
            "if-match",
            "if-unmodified-since",
            "range",
            "content-length",
            "upgrade",
            "x-unknown",
            "expect",
        ] {
            assert_eq!(hash(get("/").insert_header((name, "0"))), None, "{name}");
        }
        assert_eq!(hash(get("/").append_header(("host", "other.test"))), None, "two hosts");
        assert_eq!(hash(get("/").method(Method::POST)), None, "a write");
        assert_eq!(hash(get("http://shop.test/")), None, "in absolute form");
        assert_eq!(hash(get(&format!("/?q={}", "x".repeat(LONGEST)))), None, "a long target");
        let long = ("accept", "x".repeat(LONGEST));
        assert_eq!(hash(get("/").insert_header(long)), None, "a long value");
    }

    #[test]
    fn different_wishes_differ() {
        let plain = hash(get("/"));
        assert_eq!(hash(get("/").insert_header(("user-agent", "x"))), plain);
        let mut all =
            vec![plain, hash(get("/?")), hash(get("/a")), hash(get("/").method(Method::HEAD))];
        all.extend(COMPARED.iter().map(|name| hash(get("/").insert_header((*name, "x")))));
        for (place, one) in all.iter().enumerate() {
            assert!(one.is_some() && !all[..place].contains(one), "{place}");
        }
    }
}
