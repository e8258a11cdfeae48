//! Builds the key under which a page is stored.
//!
//! - The key holds scheme and host as handlers see them, the raw path and the raw query. The host is
//!   normalised ([`super::target`]). Path and query are not decoded, so no two targets share a page. If the
//!   rules declare the query parameters, the query is normalised, too ([`super::query`]).
//! - A request without a valid host is never a candidate. Without a list of the site's hosts, each valid
//!   host has its own pages. Refusing foreign hosts is the job of a guard around the cache.
//! - Forwarding headers about scheme, host and links are part of the key ([`crate::http::passed_on`]). Those
//!   about the client are part of it only around third-party handlers: the handlers of shared pages do not
//!   see them.
//! - If the rules offer languages, the one that is chosen is part of it, not what the client wrote.
//! - Cookies by which the owner keys pages, the user of a page, and facts about the client, are part of it as a
//!   digest: keys are shown to people and stored where others can read them.
//! - Values that the owner computes are its last parts, save empty ones. The key is then a variant of one without
//!   values, under which the stored ones are counted (`super::notes`).

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{ACCEPT_LANGUAGE, HOST, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use super::added;
use super::of_request::Keyed;
use super::query;
use super::request::cookie;
use super::request_flags::RequestFlags;
use super::rules::Rules;
use super::target::{self, Origin, Target};
use crate::http::language;
use crate::http::passed_on::PassedOn;
use crate::key::{Key, KeyBuilder};

/// Rewrites a candidate so that it names its host once, in normal form.
///
/// # Errors
/// Returns the rule `host` if the request has no valid host.
pub(super) fn settle(request: &mut ServiceRequest) -> Result<(), &'static str> {
    let target =
        Target::of(request.head(), target::scheme_of(request.request())).map_err(|_| "host")?;
    if let Some(host) = target.respelled() {
        Target::rewrite(request, &host);
    }
    Ok(())
}

/// Returns the key of the page that answers `request`, a settled candidate.
pub(super) fn key(
    request: &mut ServiceRequest,
    flags: RequestFlags,
    rules: &Rules,
    (write_epoch, user): (u64, Option<&str>),
) -> Key {
    if let Some(parameters) = &rules.parameters {
        query::normalise(request.head_mut(), parameters, rules.normal_form);
    }
    let language = settle_language(request, rules);
    let headers = request.headers();
    let mut page = with_origin(Key::with_noun(&rules.prefix), request, flags, rules)
        .part("path", request.path())
        .part("query", request.uri().query());
    if let Some(language) = language {
        page = page.part("language", language);
    }
    for name in &rules.headers {
        let lines: Vec<_> =
            headers.get_all(name).map(|line| line.as_bytes().escape_ascii()).collect();
        let lines: Vec<String> = lines.into_iter().map(|line| line.to_string()).collect();
        page = page.part("header", name.as_str()).part("is", lines.as_slice());
    }
    for name in &rules.cookies {
        let digest = cookie(headers, name).map(|cookie| digest(cookie.value()));
        page = page.part("cookie", name).part("is", digest.as_ref().map(text));
    }
    if let Some(user) = user {
        page = page.part("user", text(&digest(user)));
    }
    if write_epoch > 0 {
        page = page.part("write_epoch", write_epoch);
    }
    with_values(page, headers, rules)
}

/// Adds the values that the owner's rules have computed of the request and written into its headers.
///
/// Without any, the key is that of the URL's own page, of which there is only one.
fn with_values(mut page: KeyBuilder, headers: &HeaderMap, rules: &Rules) -> Key {
    let value = |keyed: &Keyed| {
        let value = headers.get(keyed.header()?)?.as_bytes();
        (!value.is_empty()).then(|| value.escape_ascii().to_string())
    };
    let values: Vec<_> = rules.keyed.iter().map(value).collect();
    if values.iter().all(Option::is_none) {
        return page.build();
    }
    let names: Vec<_> = rules.keyed.iter().map(|keyed| keyed.name.as_str()).collect();
    let all = page.clone().part("values_of", names).build();
    for (keyed, value) in rules.keyed.iter().zip(values) {
        if value.is_some() {
            page = page.part("value", &keyed.name).part("is", value);
        }
    }
    page.build().variant(&all)
}

/// Reports whether the key holds what a request says in this header: to vary on it makes no further pages.
pub(super) fn has(rules: &Rules, name: &str) -> bool {
    let is_computed = |keyed: &Keyed| keyed.header().is_some_and(|known| known == name);
    added::languages(rules) == Some(name)
        || rules.headers.iter().any(|known| known == name)
        || rules.keyed.iter().any(is_computed)
}

/// Replaces what the request says about languages by the one in which it is answered, and returns that one.
fn settle_language<'r>(request: &mut ServiceRequest, rules: &'r Rules) -> Option<&'r str> {
    let offered = &rules.languages;
    let asked = request.headers().get_all(ACCEPT_LANGUAGE);
    let language = offered.get(language::choose(asked, offered))?;
    let value = HeaderValue::from_str(language).ok()?;
    request.headers_mut().insert(ACCEPT_LANGUAGE, value);
    Some(language)
}

/// Returns scheme and host of a settled request, as its handler sees them.
pub(super) fn origin(request: &HttpRequest, flags: RequestFlags) -> Origin<'_> {
    if flags.is(RequestFlags::FORWARDED) { Origin::forwarded(request) } else { Origin::of(request) }
}

/// Adds scheme, host and the forwarding headers to the key.
fn with_origin(
    mut page: KeyBuilder,
    request: &ServiceRequest,
    flags: RequestFlags,
    rules: &Rules,
) -> KeyBuilder {
    let headers = request.headers();
    let origin = origin(request.request(), flags);
    let host = headers.contains_key(HOST).then_some(&*origin.host);
    page = page.part("scheme", &*origin.scheme).part("host", host);
    if flags.is(RequestFlags::FORWARDED) {
        // Handlers see both: the forwarded host, and the host to which the proxy connects.
        let direct = Origin::of(request.request());
        page = page.part("at", &*direct.host);
        for line in lines_of(headers, PassedOn::Origin) {
            page = page.part("forward", line);
        }
    }
    if flags.is(RequestFlags::CLIENT) && !rules.is_shared {
        let lines = lines_of(headers, PassedOn::Client).join("\n");
        page = page.part("client", text(&digest(&lines)));
    }
    page
}

/// Returns the SHA-256 digest of a text in hexadecimal digits.
fn digest(text: &str) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(text);
    let digit = |nth: usize| digest[nth / 2] >> (4 * (1 - nth % 2)) & 15;
    std::array::from_fn(|nth| DIGITS[usize::from(digit(nth))])
}

fn text(digits: &[u8; 64]) -> &str {
    // Cannot fail: digits are ASCII.
    str::from_utf8(digits).unwrap_or_default()
}

/// Returns all lines of the headers of this kind as printable text, sorted by header name.
fn lines_of(headers: &HeaderMap, kind: PassedOn) -> Vec<String> {
    let is_it = |name: &&HeaderName| PassedOn::of(name.as_str()) == Some(kind);
    let mut names: Vec<_> = headers.keys().filter(is_it).collect();
    names.sort_unstable_by_key(|name| name.as_str());
    let lines = |name: &HeaderName| -> Vec<String> {
        let line = |line: &HeaderValue| format!("{name}: {}", line.as_bytes().escape_ascii());
        headers.get_all(name).map(line).collect()
    };
    names.into_iter().flat_map(lines).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{COOKIE, RANGE};
    use actix_web::test::TestRequest;

    use super::*;
    use crate::page::request::strip_credentials;
    use crate::policy::Policy;

    fn shared() -> Rules {
        Rules::shared(Policy::fresh_for(std::time::Duration::from_secs(60)))
    }

    fn key_by(rules: &Rules, request: TestRequest) -> String {
        let mut request = request.to_srv_request();
        let flags = RequestFlags::of(request.headers());
        settle(&mut request).unwrap();
        key(&mut request, flags, rules, (0, None)).to_string()
    }

    fn key_of(request: TestRequest) -> String {
        key_by(&shared(), request)
    }

    fn get(target: &str) -> TestRequest {
        TestRequest::get().uri(target).insert_header((HOST, "shop.test"))
    }

    #[test]
    fn the_key_is_scheme_host_raw_path_and_raw_query() {
        let key = key_of(get("/a%41?x=%41"));
        let expected = r#"page:scheme="http":host="shop.test":path="/a%41":query="x=%41""#;
        assert_eq!(key, expected);
    }

    #[test]
    fn different_targets_have_different_keys() {
        let targets = ["/", "/?", "/?x", "/?x=", "/?x=A", "/?x=%41", "//", "/..", "/%2e%2e"];
        let keys: Vec<_> = targets.iter().map(|target| key_of(get(target))).collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key}");
        }
    }

    #[test]
    fn every_spelling_of_a_host_has_the_same_key() {
        let plain = key_of(get("/r?x"));
        for host in ["SHOP.test", "shop.test.", "shop.test:80", "shop.test:", "%73hop.test"] {
            let request = TestRequest::get().uri("/r?x").insert_header((HOST, host));
            assert_eq!(key_of(request), plain, "{host}");
        }
        for target in ["http://shop.test/r?x", "HTTP://SHOP.test:80/r?x"] {
            let request = TestRequest::get().uri(target).insert_header((HOST, "evil.test"));
            assert_eq!(key_of(request), plain, "{target}");
        }
        for host in ["shop.test:443", "shop.test:8000", "other.test", "shop_test", "shop.test.."] {
            let request = TestRequest::get().uri("/r?x").insert_header((HOST, host));
            assert_ne!(key_of(request), plain, "{host}");
        }
    }

    #[test]
    fn a_request_without_a_valid_host_is_no_candidate() {
        for (target, host) in
            [("/", "a b"), ("/", "u@shop.test"), ("https://shop.test/", "shop.test")]
        {
            let request = TestRequest::get().uri(target).insert_header((HOST, host));
            assert_eq!(settle(&mut request.to_srv_request()), Err("host"), "{target} {host}");
        }
    }

    #[test]
    fn declared_parameters_make_one_page_and_the_handler_sees_no_others() {
        let rules = shared().parameters(&["page", "q"]);
        let plain = key_by(&rules, get("/"));
        for target in ["/?", "/?utm_source=x", "/?q=", "/?page=&q"] {
            assert_eq!(key_by(&rules, get(target)), plain, "{target}");
        }
        let mut request = get("/?q=tea&utm=1&page=2").to_srv_request();
        key(&mut request, RequestFlags::default(), &rules, (0, None));
        assert_eq!(request.uri().to_string(), "/?page=2&q=tea");
    }

    #[test]
    fn forwarded_hosts_and_schemes_are_in_the_key() {
        let plain = key_of(get("/"));
        for header in
            [("x-forwarded-host", "evil.test"), ("forwarded", "proto=https"), ("x-host", "a")]
        {
            assert_ne!(plain, key_of(get("/").insert_header(header)), "{header:?}");
        }
    }

    #[test]
    fn forwarding_headers_are_in_the_key_or_hidden() {
        let (shared, respecting) = (shared(), Rules::respecting());
        for (name, is_hidden) in [
            ("x-forwarded-ssl", false),
            ("x-forwarded-protocol", false),
            ("front-end-https", false),
            ("x-url-scheme", false),
            ("x-original-host", false),
            ("cloudfront-viewer-country", false),
            ("x-wap-profile", false),
            ("x-forwarded-for", true),
            ("x-real-ip", true),
            ("cf-connecting-ip", true),
            ("x-api-key", true),
        ] {
            let with = |value: &'static str| get("/").insert_header((name, value));
            let plain = key_by(&respecting, get("/"));
            let one = key_by(&respecting, with("1"));
            assert!(one != plain && one != key_by(&respecting, with("2")), "{name}");
            assert_eq!(
                key_by(&shared, with("1")) == key_by(&shared, get("/")),
                is_hidden,
                "{name}"
            );
            let mut request = with("1").to_srv_request();
            strip_credentials(&mut request, &shared);
            assert_eq!(request.headers().contains_key(name), !is_hidden, "{name}");
        }
        let named = self::shared().keyed_headers(&[HeaderName::from_static("x-real-ip")]);
        let mut request = get("/").insert_header(("x-real-ip", "1")).to_srv_request();
        strip_credentials(&mut request, &named);
        assert!(request.headers().contains_key("x-real-ip"), "the owner names it");
        let secret = get("/").insert_header(("x-api-key", "secret"));
        assert!(!key_by(&respecting, secret).contains("secret"));
    }

    #[test]
    fn headers_and_cookies_that_the_owner_names_are_in_the_key() {
        assert_eq!(text(&digest("abc"))[..8], *"ba7816bf");
        let rules = shared().keyed_headers(&[RANGE]).keyed_cookies(&["theme"]);
        let plain = key_by(&rules, get("/"));
        assert_ne!(plain, key_by(&rules, get("/").insert_header((RANGE, ""))));
        let dark = key_by(&rules, get("/").insert_header((COOKIE, "a=b; theme=dark")));
        assert!(dark != plain && !dark.contains("dark"), "{dark}");
        assert_eq!(plain, key_by(&rules, get("/").insert_header((COOKIE, "a=b"))));
    }

    #[test]
    fn computed_values_are_in_the_key_save_empty_ones() {
        let rules = shared().key_by("a", |_| 1).key_by("b", |_| 2);
        let with = |a: &'static str, b: &'static str| {
            key_by(&rules, get("/").insert_header(("keyed-a", a)).insert_header(("keyed-b", b)))
        };
        let plain = key_of(get("/"));
        assert_eq!(with("", ""), plain);
        assert_eq!(with("x", ""), format!("{plain}:value=\"a\":is=\"x\""));
        assert_eq!(with("", "x"), format!("{plain}:value=\"b\":is=\"x\""));
        assert_eq!(with("x", "\""), format!(r#"{plain}:value="a":is="x":value="b":is="\\\"""#));
        assert!(["accept", "vary", "keyed-"].iter().all(|name| !has(&rules, name)));
        assert!(has(&rules, "keyed-a") && has(&rules.languages(&["en"]), "accept-language"));
    }
}
