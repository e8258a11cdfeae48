//! Asks the running application by HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use support::browser;

/// Sends a request on a connection of its own; returns the whole answer.
fn ask(port: u16, method: &str, path: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let form = "content-type: application/x-www-form-urlencoded";
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n{form}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[track_caller]
fn assert_has(answer: &str, parts: &[&str]) {
    for part in parts {
        assert!(answer.contains(part), "no {part} in {answer}");
    }
}

/// Runs the application, and `asks` on a thread of its own.
fn with_the_application(asks: impl FnOnce(u16) + Send + 'static) {
    actix_web::rt::System::new().block_on(async {
        let (server, port) = super::serve(0).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let asked = actix_web::rt::task::spawn_blocking(move || asks(port)).await;
        handle.stop(false).await;
        asked.unwrap();
    });
}

#[test]
fn pages_carry_the_toolbar_which_tells_what_happened() {
    with_the_application(|port| {
        let get = |path: &str| ask(port, "GET", path, "");
        assert_has(&get("/"), &["<script src=\"/_larder/static/toolbar.", "page;desc=\"miss\""]);
        let hit = get("/");
        assert_has(&hit, &["<script src=\"/_larder/static/toolbar.", "page;desc=\"hit\""]);
        let script = hit.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_has(&get(script), &["200 OK", "text/javascript"]);
        let id = hit.split("request;desc=\"").nth(1).unwrap().split('"').next().unwrap();
        let record = get(&format!("/_larder/toolbar/requests/{id}?format=json"));
        assert_has(&record, &["200 OK", "\"outcome\":\"Hit\"", "\"tags\":[\"!\",\"notes\"]"]);
        let panels = get(&format!("/_larder/toolbar/requests/{id}"));
        assert_has(&panels, &["200 OK", "action=\"/_larder/toolbar/purge\"", "fresh"]);

        ask(port, "POST", "/", "text=Milk");
        assert_has(&get("/"), &["<li>Milk", "page;desc=\"miss\""]);
        let bypass = ask(port, "POST", "/_larder/toolbar/bypass", "back=%2F");
        assert_has(&bypass, &["303 See Other", "location: /\r\n"]);
        assert_has(&get("/"), &["fwd=request"]);
    });
}

#[test]
fn the_toolbar_is_there_in_a_browser() {
    with_the_application(|port| {
        let page = |path: &str| browser::page(&format!("http://127.0.0.1:{port}{path}"));
        let Some(shown) = page("/") else { return };
        assert_has(&shown, &["<larder-toolbar>", "<larder-toolbar-room>", "</form>"]);
        // The page, and the toolbar's script and style sheet, which this cache is around, too.
        assert_has(&page("/_larder/cache").unwrap(), &["<h1>Cache</h1>", "0 hits of 3 lookups"]);
    });
}

#[test]
fn the_dashboard_invalidates_a_tag_of_this_process() {
    with_the_application(|port| {
        let get = |path: &str| ask(port, "GET", path, "");
        get("/");
        assert_has(&get("/"), &["hit"]);
        let page = get("/_larder/cache");
        assert_has(&page, &["200 OK", "1 hit of 2 lookups", "href=\"/_larder/cache/entries\""]);
        assert_has(&page, &["/_larder/static/panel.", "/_larder/static/dashboard.", "no-store"]);
        let dry_run = get("/_larder/cache/invalidate?tag=notes");
        assert_has(
            &dry_run,
            &["1 page, 0 fragments, 0 queries", "Nothing has been invalidated yet"],
        );
        assert_has(&get("/"), &["hit"]);
        let done =
            ask(port, "POST", "/_larder/cache/invalidate", "tag=notes&back=%2F_larder%2Fcache");
        assert_has(&done, &["303 See Other", "location: /_larder/cache\r\n"]);
        assert_has(&get("/"), &["fwd=stale; stored"]);
        assert_has(&get("/_larder/cache"), &["invalidated <bdi>notes</bdi>"]);
        let gone = get("/_larder/cache/entry?key=none");
        assert_has(&gone, &["404 Not Found", "text/html", "href=\"/_larder/cache\""]);
        assert_has(&get("/_larder/cache/key?key=none"), &["404 Not Found", "problem+json"]);
    });
}

#[test]
fn the_metrics_count_requests_and_lookups() {
    with_the_application(|port| {
        ask(port, "GET", "/", "");
        ask(port, "GET", "/", "");
        let metrics = ask(port, "GET", "/_larder/metrics", "");
        assert_has(
            &metrics,
            &[
                "larder_http_requests_total{method=\"GET\",status=\"2xx\"} 2",
                "larder_cache_requests_total{level=\"page\",outcome=\"hit\",reason=\"\"} 1",
                "larder_freshness_checks_total{result=\"ok\"} 2",
            ],
        );
        assert!(!metrics.contains("larder_sql"), "there is no database: {metrics}");
    });
}
