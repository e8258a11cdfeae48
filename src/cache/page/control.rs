//! Which answers may be kept.
//!
//! - Judged on what the handler said, before defaults for browsers are written.
//! - Only a 200 with a whole body; never with `Set-Cookie`, and never where `Cache-Control` says
//!   `private`, `no-store` or `no-cache`.
//! - What cannot be read is not kept: in doubt, no.
//! - An answer that varies on anything is not kept: [`super::vary`].

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, SET_COOKIE, VARY};

use super::vary;

/// Whether an answer may be kept, or the reason why not.
pub fn may_store(status: StatusCode, headers: &HeaderMap) -> Result<(), &'static str> {
    if status != StatusCode::OK {
        return Err("status");
    }
    if headers.contains_key(SET_COOKIE) {
        return Err("set-cookie");
    }
    if !vary::is_invariant(headers.get_all(VARY)) {
        return Err("vary");
    }
    for line in headers.get_all(CACHE_CONTROL) {
        // Not ASCII: nobody knows what it says.
        let line = line.to_str().map_err(|_| "cache-control")?;
        directives(line).try_for_each(allows_storing)?;
    }
    Ok(())
}

fn allows_storing(directive: &str) -> Result<(), &'static str> {
    // `private="x"` and `no-cache="x"` name fields; keeping nothing of them is always right.
    let name = directive.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "private" => Err("private"),
        "no-store" => Err("no-store"),
        "no-cache" => Err("no-cache"),
        _ => Ok(()),
    }
}

/// The members of a list header; commas within quotes do not separate.
fn directives(line: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    line.split(move |letter| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        letter == ',' && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    /// Status, headers, and whether such a page is kept.
    type Case = (u16, &'static [(HeaderName, &'static str)], Result<(), &'static str>);

    fn decide(status: u16, lines: &[(HeaderName, &'static str)]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        may_store(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn only_complete_public_pages_are_kept() {
        let cases: [Case; 11] = [
            (200, &[], Ok(())),
            (200, &[(CACHE_CONTROL, "max-age=60")], Ok(())),
            (200, &[(CACHE_CONTROL, "max-age=60, Private")], Err("private")),
            (200, &[(CACHE_CONTROL, "max-age=60"), (CACHE_CONTROL, "no-store")], Err("no-store")),
            (200, &[(CACHE_CONTROL, r#"no-cache="x, y""#)], Err("no-cache")),
            (200, &[(CACHE_CONTROL, r#"ext="a, private""#)], Ok(())),
            (200, &[(CACHE_CONTROL, r#"ext="a\", private""#)], Ok(())),
            (200, &[(SET_COOKIE, "a=b")], Err("set-cookie")),
            (200, &[(VARY, "Accept")], Err("vary")),
            (404, &[], Err("status")),
            (206, &[], Err("status")),
        ];
        for (status, headers, expected) in cases {
            assert_eq!(decide(status, headers), expected, "{status} {headers:?}");
        }
    }
}
