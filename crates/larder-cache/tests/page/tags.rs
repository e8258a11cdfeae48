//! An application's own entity tags, which a write sends back from a coded page.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use larder_cache::page::{self, Rules};

use super::plain::{Calls, Plain};

async fn show() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, "\"v1\""))
        .insert_header((CACHE_CONTROL, "max-age=60"))
        .insert_header((CONTENT_TYPE, "text/plain"))
        .body("All work and no play. ".repeat(200))
}

/// Refuses writes to another state than its own.
async fn edit(request: HttpRequest, calls: web::Data<Calls>) -> HttpResponse {
    calls.note(&request);
    match request.headers().get(IF_MATCH) {
        Some(tag) if tag == "\"v1\"" => HttpResponse::NoContent().finish(),
        _ => HttpResponse::PreconditionFailed().finish(),
    }
}

fn site(rules: Rules) -> Plain {
    Plain::open(move |config| {
        let cached = page::cached(rules.clone());
        config.service(web::resource("/").wrap(cached).get(show).put(edit));
    })
}

#[test]
fn a_write_reaches_the_handler_with_its_own_tag() {
    let site = site(Rules::respecting());
    for coding in ["gzip", "br", "identity"] {
        let page = site.ask("GET", "/", &[&format!("Accept-Encoding: {coding}")]);
        let tag = page.header("etag").unwrap();
        assert_eq!(tag == "\"v1\"", coding == "identity", "{tag}");
        let written = site.ask("PUT", "/", &[&format!("If-Match: {tag}"), "Content-Length: 0"]);
        assert_eq!(written.status, 204, "{tag}");
    }
    for (sent, seen) in [
        ("W/\"v1-br\"", "W/\"v1\""),
        ("\"v1-gzip\", \"v2-br\",\"v3\"", "\"v1\", \"v2\", \"v3\""),
        ("*", "*"),
        ("\"v1-deflate\"", "\"v1-deflate\""),
        ("\"gzip\"", "\"gzip\""),
        ("v1-gzip", "v1-gzip"),
    ] {
        for name in [IF_MATCH, IF_NONE_MATCH] {
            site.ask("PUT", "/", &[&format!("{name}: {sent}"), "Content-Length: 0"]);
            assert_eq!(site.seen("/").pop().unwrap().get(name).unwrap(), seen);
        }
    }
}

/// Its tags end like those of the cache.
async fn show_coded() -> HttpResponse {
    let mut response = show().await;
    response.headers_mut().insert(ETAG, "\"v1-gzip\"".parse().unwrap());
    response
}

async fn edit_coded(request: HttpRequest) -> HttpResponse {
    match request.headers().get(IF_MATCH) {
        Some(tag) if tag == "\"v1-gzip\"" => HttpResponse::NoContent().finish(),
        _ => HttpResponse::PreconditionFailed().finish(),
    }
}

#[test]
fn an_applications_own_tag_survives_whatever_its_end() {
    for rules in [Rules::respecting(), Rules::from(std::time::Duration::from_secs(60))] {
        let site = Plain::open(move |config| {
            let cached = page::cached(rules.clone().canary(false));
            config.service(web::resource("/").wrap(cached).get(show_coded).put(edit_coded));
        });
        for coding in ["gzip", "br", "identity"] {
            for _ in 0..2 {
                let page = site.ask("GET", "/", &[&format!("Accept-Encoding: {coding}")]);
                let seen = (page.header("etag"), page.header("content-encoding"));
                assert_eq!(seen, (Some("\"v1-gzip\""), None), "{coding}");
            }
            let write = ["If-Match: \"v1-gzip\"", "Content-Length: 0"];
            assert_eq!(site.ask("PUT", "/", &write).status, 204, "{coding}");
        }
        let unchanged = site.ask("GET", "/", &["If-None-Match: \"v1-gzip\""]);
        assert_eq!(unchanged.status, 304);
    }
}

#[test]
fn tags_stay_as_they_are_where_the_cache_codes_nothing() {
    let site = site(Rules::respecting().codings(false));
    site.ask("PUT", "/", &["If-Match: \"v1-gzip\"", "Content-Length: 0"]);
    assert_eq!(site.seen("/")[0].get(IF_MATCH).unwrap(), "\"v1-gzip\"");
}
