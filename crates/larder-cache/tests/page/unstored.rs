//! Conditions and ranges on answers that are not stored: large files, and pages that must not be.

use std::fs;
use std::time::Duration;

use actix_files::Files;
use actix_web::http::header::{CACHE_CONTROL, ETAG, SET_COOKIE};
use actix_web::{HttpResponse, web};
use larder_cache::Policy;
use larder_cache::page::{self, Rules};
use tempfile::TempDir;

use super::plain::Plain;

const MINUTE: Duration = Duration::from_secs(60);

/// More than the largest body that is stored.
const LENGTH: usize = 5 << 20;

fn content() -> Vec<u8> {
    (0..LENGTH).map(|nth| (nth * 7 % 251) as u8).collect()
}

/// Creates a folder with a large file.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("large.bin"), content()).unwrap();
    folder
}

/// Serves the folder by actix-files.
fn files(folder: &TempDir, rules: &Rules) -> Plain {
    let (path, rules) = (folder.path().to_owned(), rules.clone());
    Plain::open(move |config| {
        let scope = web::scope("/files").wrap(page::cached(rules.clone()));
        config.service(scope.service(Files::new("", path.clone())));
    })
}

const FILE: &str = "/files/large.bin";

/// Under each kind of rules; with a lifetime the file is too large, and without one it is not stored.
fn kinds() -> [Rules; 3] {
    let policy = Policy::fresh_for(MINUTE);
    let respecting = Rules::respecting();
    [respecting.clone(), respecting.default_lifetime(MINUTE), Rules::shared(policy)]
}

#[test]
fn a_large_file_is_never_sent_whole_for_a_range() {
    let (content, folder) = (content(), folder());
    for rules in kinds() {
        for (range, first) in [
            ("bytes=0-9", 0),
            ("bytes=-10", LENGTH - 10),
            ("bytes=1000000-1000009", 1_000_000),
            ("bytes=5242870-9999999", LENGTH - 10),
        ] {
            // Cold; then it is known that the file is not stored.
            let site = files(&folder, &rules);
            for _ in 0..2 {
                let part = site.ask("GET", FILE, &[&format!("Range: {range}")]);
                assert_eq!(
                    (part.status, part.body.len()),
                    (206, 10),
                    "{range}: {:?}",
                    part.headers
                );
                assert_eq!(part.body, content[first..first + 10]);
                let expected = format!("bytes {first}-{}/{LENGTH}", first + 9);
                assert_eq!(part.header("content-range"), Some(expected.as_str()));
                assert_eq!(part.all("content-length").collect::<Vec<_>>(), ["10"]);
                assert!(part.fate().starts_with("larder-cache; fwd=uri-miss; detail="), "{part:?}");
            }
        }
    }
}

#[test]
fn conditions_on_a_large_file_are_evaluated() {
    let folder = folder();
    for rules in kinds() {
        let whole = files(&folder, &rules).get(FILE);
        assert_eq!((whole.status, whole.body.len()), (200, LENGTH));
        let tag = whole.header("etag").unwrap();
        let changed = whole.header("last-modified").unwrap();
        for (lines, status) in [
            (format!("If-None-Match: {tag}"), 304),
            ("If-None-Match: \"other\"\r\nRange: bytes=0-9".to_owned(), 206),
            (format!("If-Modified-Since: {changed}"), 304),
            ("If-Match: \"other\"".to_owned(), 412),
            ("Range: bytes=5242880-".to_owned(), 416),
            (format!("Range: bytes=0-9\r\nIf-Range: {tag}"), 206),
            ("Range: bytes=0-9\r\nIf-Range: \"other\"".to_owned(), 200),
        ] {
            let site = files(&folder, &rules);
            for _ in 0..2 {
                let answer = site.ask("GET", FILE, &[&lines]);
                assert_eq!(answer.status, status, "{lines}: {:?}", answer.headers);
                assert_eq!(answer.body.len() > 10, status == 200, "{lines}");
                let has_tag = answer.header("etag") == Some(tag);
                assert!(has_tag || status > 400, "{lines}: {:?}", answer.headers);
            }
        }
    }
}

/// Knows nothing of conditions.
async fn secret() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, "\"v1\""))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((SET_COOKIE, "seen=yes"))
        .body("0123456789")
}

#[test]
fn conditions_on_an_uncacheable_page_are_evaluated() {
    for (line, status, body) in [
        ("If-None-Match: W/\"v1\"", 304, ""),
        ("If-None-Match: \"v2\"", 200, "0123456789"),
        ("If-Match: \"v2\"", 412, ""),
        ("Range: bytes=3-4", 206, "34"),
        ("Range: bytes=99-", 416, ""),
        ("Range: bytes=0-1,3-4", 200, "0123456789"),
        ("Range: bytes=3-4\r\nIf-Range: \"v2\"", 200, "0123456789"),
    ] {
        let site = Plain::open(|config| {
            config.service(web::resource("/").wrap(page::cached(Rules::respecting())).get(secret));
        });
        for detail in ["set-cookie", "uncacheable"] {
            let answer = site.ask("GET", "/", &[line]);
            assert_eq!((answer.status, answer.text().as_str()), (status, body), "{line}");
            assert_eq!(answer.fate(), format!("larder-cache; fwd=uri-miss; detail=\"{detail}\""));
            if status < 400 {
                let said = (answer.header("etag"), answer.header("cache-control"));
                assert_eq!(said, (Some("\"v1\""), Some("no-store")), "{line}");
                assert_eq!(answer.header("set-cookie"), Some("seen=yes"), "{line}");
            }
        }
    }
}
