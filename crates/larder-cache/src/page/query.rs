//! Normalises the query of a route that declares its parameters.
//!
//! - Undeclared parameters and those without a value are removed before the handler runs. So they cannot
//!   influence a page, and equivalent queries share one page.
//! - Different parameters are ordered as declared; equal ones keep their order.
//! - Names are compared decoded, as handlers see them; values are not changed.

use actix_web::dev::RequestHead;
use actix_web::http::uri::{PathAndQuery, Uri};

/// Normalises the query of `request`.
pub fn normalise(request: &mut RequestHead, parameters: &[impl AsRef<str>]) {
    let Some(query) = request.uri.query() else { return };
    let query = meant(query, parameters);
    let path = request.uri.path();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = std::mem::take(&mut request.uri).into_parts();
    // Cannot fail: path and query were valid before, and have become no longer.
    if let Ok(target) = PathAndQuery::try_from(target) {
        parts.path_and_query = Some(target);
    }
    request.uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Returns the pairs of `query` that `parameters` names and that have a value.
pub fn meant(query: &str, parameters: &[impl AsRef<str>]) -> String {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut meant = String::new();
    for parameter in parameters.iter().map(AsRef::as_ref) {
        for (name, value) in pairs() {
            if value.is_empty() || !is_named(name, parameter) {
                continue;
            }
            if !meant.is_empty() {
                meant.push('&');
            }
            meant.push_str(parameter);
            meant.push('=');
            meant.push_str(value);
        }
    }
    meant
}

fn is_named(name: &str, parameter: &str) -> bool {
    name == parameter
        || form_urlencoded::parse(name.as_bytes())
            .next()
            .is_some_and(|(decoded, rest)| decoded == parameter && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARAMETERS: [&str; 2] = ["page", "q"];

    #[test]
    fn equivalent_queries_become_equal() {
        let cases = [
            ("", ""),
            ("q=", ""),
            ("q", ""),
            ("utm_source=x", ""),
            ("page=2&q=tea", "page=2&q=tea"),
            ("q=tea&page=2&utm=1", "page=2&q=tea"),
            ("%71=tea", "q=tea"),
            ("q=a&q=b", "q=a&q=b"),
            ("q=b&page=&q=a", "q=b&q=a"),
            ("Q=tea", ""),
            ("q=%2B%26", "q=%2B%26"),
            ("q=a=b", "q=a=b"),
            ("&&=&=x&q=1&", "q=1"),
        ];
        for (query, expected) in cases {
            assert_eq!(meant(query, &PARAMETERS), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent(query in "[a-z0-9&=%+]{0,40}|(q=[a-c]{0,2}&|page=[0-9]{0,2}&|x=1&){0,6}") {
            let once = meant(&query, &PARAMETERS);
            prop_assert_eq!(meant(&once, &PARAMETERS), once.clone());
            prop_assert!(once.len() <= query.len() || query.contains('%'));
        }
    }
}
