//! Digests are sent only with the bytes for which they hold. RFC 9530.

use larder_cache::page::Rules;

use super::line::Answer;
use super::reply::Reply;
use super::site::Plan;

const OF_THE_CONTENT: [&str; 2] = ["content-digest", "content-md5"];
const OF_THE_REPRESENTATION: [&str; 2] = ["repr-digest", "digest"];

/// Returns whether the answer has the digests of the content, and those of the representation.
fn digests(answer: &Answer) -> [bool; 2] {
    [OF_THE_CONTENT, OF_THE_REPRESENTATION].map(|names| {
        let has = names.map(|name| answer.header(name).is_some());
        assert_eq!(has[0], has[1], "{answer:?}");
        has[0]
    })
}

#[test]
fn a_digest_is_not_sent_with_another_coding_or_a_part() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            let said = if asked.query == "stored" { "max-age=60" } else { "no-store" };
            let text = "All work and no play. ".repeat(200);
            let reply = Reply::ok(text).with("Content-Type", "text/plain").with("ETag", "\"v\"");
            let names = OF_THE_CONTENT.into_iter().chain(OF_THE_REPRESENTATION);
            names
                .fold(reply.with("Cache-Control", said), |reply, name| reply.with(name, "x=:eA==:"))
        })
        .open();
    let both = [true, true];
    for (target, lines, status, expected) in [
        ("/?stored", "X-A: 1", 200, both),
        ("/?stored", "Accept-Encoding: identity", 200, both),
        ("/?stored", "Accept-Encoding: gzip", 200, [false, false]),
        ("/?stored", "Accept-Encoding: br", 200, [false, false]),
        ("/?stored", "Range: bytes=0-9", 206, [false, true]),
        ("/?stored", "Accept-Encoding: gzip\r\nRange: bytes=0-9", 206, [false, false]),
        ("/?stored", "If-None-Match: \"v\"", 304, [false, false]),
        ("/", "Accept-Encoding: gzip", 200, both),
        ("/", "Range: bytes=0-9", 206, [false, true]),
        ("/", "If-None-Match: \"v\"", 304, [false, false]),
    ] {
        let answer = site.ask("GET", target, &[lines]);
        assert_eq!((answer.status, digests(&answer)), (status, expected), "{target} {lines}");
    }
}
