//! `Vary`: on what else an answer depends.
//!
//! - A page has one variant: an answer that names any header is not kept.
//! - An empty `Vary` names none.
//!
//! Source: RFC 9110 §12.5.5, RFC 9111 §4.1.

use actix_web::http::header::HeaderValue;

/// Whether the lines of `Vary` name no header at all.
pub fn is_invariant<'h>(mut lines: impl Iterator<Item = &'h HeaderValue>) -> bool {
    lines.all(|line| {
        line.to_str().is_ok_and(|line| line.split(',').all(|name| name.trim().is_empty()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_vary_names_nothing() {
        let cases =
            [("", true), (" , ", true), ("Accept", false), ("*", false), (", Cookie", false)];
        for (line, expected) in cases {
            let line = HeaderValue::from_static(line);
            assert_eq!(is_invariant([&line].into_iter()), expected, "{line:?}");
        }
        assert!(is_invariant([].into_iter()));
    }
}
