//! The one spelling of a path: letters, digits and `-._~` are not percent-encoded, and hexadecimal digits are capitals.
//!
//! - `/%70roducts/7` is `/products/7`, so it is one page, one line of figures, and one address for guards.
//! - The request itself is rewritten, before it is routed: what handlers see is what the page is stored under. The
//!   page cache compares paths as they come, since handlers of other sites may tell spellings apart.
//!
//! Source: RFC 3986 §6.2.2.1 and §6.2.2.2.

use actix_web::dev::ServiceRequest;
use actix_web::http::uri::{PathAndQuery, Uri};

/// Rewrites the path of a request into its one spelling.
pub fn settle(request: &mut ServiceRequest) {
    let uri = request.uri();
    let Some(path) = spelled(uri.path()) else { return };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    // Cannot fail: the path was valid, and unreserved characters are valid in every path.
    let Ok(uri) = Uri::from_parts(parts) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

/// Returns the path in its one spelling, or `None` if it has it.
fn spelled(path: &str) -> Option<String> {
    let mut rest = path;
    let mut spelled = String::new();
    while let Some((before, after)) = rest.split_once('%') {
        spelled += before;
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match byte.filter(|_| !after.starts_with('+')) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                spelled.push(char::from(byte));
                &after[2..]
            }
            Some(_) => {
                spelled += "%";
                spelled += &after[..2].to_ascii_uppercase();
                &after[2..]
            }
            None => {
                spelled.push('%');
                after
            }
        };
    }
    spelled += rest;
    (spelled != path).then_some(spelled)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn unreserved_characters_are_decoded_once_and_digits_are_capitals() {
        for (path, expected) in [
            ("/%70roducts/%37", "/products/7"),
            ("/%7euser/%2D%2e%5f", "/~user/-._"),
            ("/a%2fb%c3%a9", "/a%2Fb%C3%A9"),
            ("/%2541", "/%2541"),
            ("/100%", "/100%"),
            ("/%+1%4", "/%+1%4"),
            ("/%\u{e9}", "/%\u{e9}"),
            ("/plain", "/plain"),
            ("/static/..%2fa", "/static/..%2Fa"),
        ] {
            assert_eq!(spelled(path).as_deref().unwrap_or(path), expected);
            assert_eq!(spelled(expected), None, "{path}");
        }
    }

    #[test]
    fn host_and_query_stay_as_they_are() {
        for (target, expected) in [
            ("/%61?q=%61", "/a?q=%61"),
            ("http://shop.example/%61?", "http://shop.example/a?"),
            ("//evil.test/%61", "//evil.test/a"),
        ] {
            let mut request = TestRequest::with_uri(target).to_srv_request();
            settle(&mut request);
            assert_eq!(request.uri().to_string(), expected);
            assert_eq!(request.path(), request.match_info().as_str());
        }
    }
}
