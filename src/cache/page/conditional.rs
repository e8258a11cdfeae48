//! Conditions that a client sets, judged on the stored page.
//!
//! - `If-None-Match` compares weakly: a match means the client has the page (304).
//! - `If-Match` compares strongly: no match means that the client expected another page (412).
//! - What cannot be read is ignored: the client gets the whole page.
//!
//! Source: RFC 9110 §13. Django: `ConditionalGetMiddleware`.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

/// The conditions of one request.
#[derive(Debug, Default)]
pub struct Conditions {
    if_match: Vec<HeaderValue>,
    if_none_match: Vec<HeaderValue>,
}

/// What the conditions ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The page itself.
    Whole,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not the page that the client expected.
    PreconditionFailed,
}

impl Conditions {
    /// Those in `headers`; several lines are one list.
    pub fn of(headers: &HeaderMap) -> Self {
        let all = |name: HeaderName| headers.get_all(name).cloned().collect();
        Self { if_match: all(IF_MATCH), if_none_match: all(IF_NONE_MATCH) }
    }

    /// What they ask for where the page's validator is `etag`.
    pub fn judge(&self, etag: &HeaderValue) -> Judgement {
        let etag = etag.to_str().unwrap_or_default();
        if !self.if_match.is_empty() && !any(&self.if_match, |tag| strongly_equal(tag, etag)) {
            return Judgement::PreconditionFailed;
        }
        if any(&self.if_none_match, |tag| weakly_equal(tag, etag)) {
            return Judgement::NotModified;
        }
        Judgement::Whole
    }
}

/// Whether a member of the list is `*` or satisfies `matches`.
fn any(lines: &[HeaderValue], matches: impl Fn(&str) -> bool) -> bool {
    let lines = lines.iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| tag == "*" || matches(tag))
}

fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

fn weakly_equal(one: &str, other: &str) -> bool {
    opaque(one) == opaque(other)
}

fn strongly_equal(one: &str, other: &str) -> bool {
    one == other && !one.starts_with("W/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(name: HeaderName, value: &'static str) -> Judgement {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_static(value));
        Conditions::of(&headers).judge(&HeaderValue::from_static(r#""v1""#))
    }

    #[test]
    fn if_none_match_compares_weakly_and_takes_lists() {
        let cases = [
            (r#""v1""#, Judgement::NotModified),
            (r#"W/"v1""#, Judgement::NotModified),
            (r#""v0", W/"v1""#, Judgement::NotModified),
            ("*", Judgement::NotModified),
            (r#""v2""#, Judgement::Whole),
            ("v1", Judgement::Whole),
            ("", Judgement::Whole),
        ];
        for (value, expected) in cases {
            assert_eq!(judge(IF_NONE_MATCH, value), expected, "{value}");
        }
    }

    #[test]
    fn if_match_compares_strongly() {
        let cases = [
            (r#""v1""#, Judgement::Whole),
            ("*", Judgement::Whole),
            (r#"W/"v1""#, Judgement::PreconditionFailed),
            (r#""v2""#, Judgement::PreconditionFailed),
        ];
        for (value, expected) in cases {
            assert_eq!(judge(IF_MATCH, value), expected, "{value}");
        }
    }
}
