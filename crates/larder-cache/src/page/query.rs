//! Normalises the query of a route that declares its parameters.
//!
//! - Undeclared parameters and those without a value are removed before the handler runs. So they cannot
//!   influence a page, and equivalent queries share one page.
//! - Different parameters are ordered as declared; equal ones keep their order.
//! - Names are compared decoded, as handlers see them; values are changed only by the normal form that the owner
//!   declares.

use std::borrow::Cow;

use actix_web::dev::RequestHead;
use actix_web::http::uri::{PathAndQuery, Uri};

use super::rules::NormalForm;

/// Normalises the query of `request`.
pub(super) fn normalise(
    request: &mut RequestHead,
    parameters: &[impl AsRef<str>],
    normal_form: Option<NormalForm>,
) {
    let Some(query) = request.uri.query() else { return };
    let query = meant(query, parameters, normal_form);
    let path = request.uri.path();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut parts = std::mem::take(&mut request.uri).into_parts();
    // Fails only if the normal form is longer than an address may be: the query stays as it was then.
    if let Ok(target) = PathAndQuery::try_from(target) {
        parts.path_and_query = Some(target);
    }
    request.uri = Uri::from_parts(parts).unwrap_or_default();
}

/// Returns the pairs of `query` that `parameters` names and that have a value.
pub(super) fn meant(
    query: &str,
    parameters: &[impl AsRef<str>],
    normal_form: Option<NormalForm>,
) -> String {
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut meant = String::new();
    for parameter in parameters.iter().map(AsRef::as_ref) {
        for (name, value) in pairs() {
            if !is_named(name, parameter) {
                continue;
            }
            let value = normal_form.map_or(value.into(), |of| normal(of, parameter, value));
            if value.is_empty() {
                continue;
            }
            if !meant.is_empty() {
                meant.push('&');
            }
            meant.push_str(parameter);
            meant.push('=');
            meant.push_str(&value);
        }
    }
    meant
}

/// Returns the normal form of a value, encoded.
fn normal<'v>(normal_form: NormalForm, parameter: &str, value: &'v str) -> Cow<'v, str> {
    let pair = format!("={value}");
    let decoded = form_urlencoded::parse(pair.as_bytes()).next().map(|(_, decoded)| decoded);
    match decoded {
        // The replacement character stands for bytes that are not UTF-8, which the handler may refuse.
        Some(decoded) if !decoded.contains('\u{FFFD}') => {
            let normal = normal_form(parameter, &decoded);
            form_urlencoded::byte_serialize(normal.as_bytes()).collect::<String>().into()
        }
        _ => value.into(),
    }
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
            assert_eq!(meant(query, &PARAMETERS, None), expected, "{query}");
        }
    }

    #[test]
    fn values_get_the_normal_form_that_the_owner_declares() {
        let lower = |name: &str, value: &str| match name {
            "q" => value.trim().to_lowercase(),
            _ => value.trim_start_matches('0').to_owned(),
        };
        let cases = [
            ("q=TEA+&page=02", "page=2&q=tea"),
            ("q=%54ea", "q=tea"),
            ("q=a%26B", "q=a%26b"),
            ("q=+&page=0", ""),
            ("q=%FFA", "q=%FFA"),
            ("x=A", ""),
        ];
        for (query, expected) in cases {
            assert_eq!(meant(query, &PARAMETERS, Some(lower)), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent(query in "[a-z0-9&=%+]{0,40}|(q=[a-c]{0,2}&|page=[0-9]{0,2}&|x=1&){0,6}") {
            let once = meant(&query, &PARAMETERS, None);
            prop_assert_eq!(meant(&once, &PARAMETERS, None), once.clone());
            prop_assert!(once.len() <= query.len() || query.contains('%'));
        }
    }
}
