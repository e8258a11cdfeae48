//! Reads one cookie of a request.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};

/// Returns the value of the cookie of this name, whatever bytes the other cookies hold.
pub fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let (known, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        (known.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    });
    str::from_utf8(values.next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_other_cookies_do_not_matter() {
        let mut headers = HeaderMap::new();
        for line in [&b"name=Jos\xe9; a=1"[..], b"b = 2 ;c==3; d"] {
            headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        let found = ["a", "b", "c", "d", "name"].map(|name| value(&headers, name));
        assert_eq!(found, [Some("1"), Some("2"), Some("=3"), None, None]);
    }
}
