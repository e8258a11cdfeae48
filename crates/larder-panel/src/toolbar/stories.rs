//! Typical requests, for tests of the panels and for previews.

use std::time::{Duration, SystemTime};

use super::record::*;
use crate::request_id::RequestId;

const LIST: &str = "SELECT `posts`.`id`, `posts`.`title`, `posts`.`price_cents`, \
    `posts`.`created_at`, `posts`.`updated_at` FROM `posts` \
    ORDER BY `posts`.`created_at` DESC, `posts`.`id` DESC LIMIT ? OFFSET ?";
const ONE: &str = "SELECT `posts`.`id`, `posts`.`title`, `posts`.`price_cents`, \
    `posts`.`created_at`, `posts`.`updated_at` FROM `posts` WHERE (`posts`.`id` = ?)";

fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn began(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + s(1_795_253_600 + second)
}

/// Returns a request without any work.
fn plain(id: u64, method: &str, path: &str, status: u16, kind: Kind) -> Record {
    let headers = [
        ("host", "127.0.0.1:8080"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0"),
        ("accept", "text/html,application/xhtml+xml"),
        ("accept-encoding", "gzip, deflate, br"),
        ("cookie", "…"),
    ];
    Record {
        id: RequestId(0x7f3a_91c0_55d2_0000 + id),
        began: began(id * 3),
        request: Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            route: Some(path.to_owned()),
            version: "HTTP/1.1".to_owned(),
            client: Some("127.0.0.1".to_owned()),
            peer: Some("127.0.0.1".to_owned()),
            headers: pairs(&headers),
            cookies: vec!["larder-flash".to_owned()],
            body: None,
            form: Vec::new(),
        },
        response: Response {
            status,
            kind,
            headers: pairs(&[("content-type", "text/html; charset=utf-8")]),
            bytes: Some(14_310),
            location: None,
            errors: Vec::new(),
        },
        verdict: verdict(PageOutcome::Bypass, "larder; fwd=bypass; detail=\"route\""),
        time: Times {
            wall: us(2_100),
            cpu: us(1_400),
            sql: us(0),
            cache: us(9),
            freshness: Duration::ZERO,
            checks: 0,
            connection: us(0),
            flight: us(0),
            rendering: us(620),
            store: us(0),
            round_trips: 0,
            codec: us(0),
            toolbar: us(38),
        },
        cache: Vec::new(),
        values: Vec::new(),
        sql: Vec::new(),
        waits: Vec::new(),
        moved: Vec::new(),
        templates: Vec::new(),
        log: Vec::new(),
        cut: Vec::new(),
        bytes: 0,
    }
}

fn verdict(outcome: PageOutcome, status_line: &str) -> Verdict {
    Verdict {
        outcome,
        rule: None,
        status_line: status_line.to_owned(),
        key: Vec::new(),
        raw_key: None,
        varies: Vec::new(),
        age: None,
        fresh_left: None,
        stale_left: None,
        stored_bytes: None,
        sent_bytes: None,
        coding: None,
        level: None,
        saved: None,
    }
}

fn node(level: Level, name: &str, key: &[(&str, &str)], outcome: Outcome) -> CacheNode {
    let text: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
    CacheNode {
        level,
        name: name.to_owned(),
        key: pairs(key),
        raw_key: format!("{name}?{}", text.join("&")),
        outcome,
        store: None,
        at: us(40),
        took: us(8),
        making: None,
        waited: None,
        behind: None,
        kept: None,
        bytes: None,
        age: None,
        left: None,
        tags: vec!["posts".to_owned()],
        saved: None,
        children: Vec::new(),
        caller: Some("src/posts/service.rs:41".to_owned()),
        trace: None,
    }
}

fn made(mut node: CacheNode, at: u64, making: u64, kept: u64) -> CacheNode {
    node.at = us(at);
    node.making = Some(us(making));
    node.kept = Some(Ok(kept));
    node.left = Some(s(3_600));
    node
}

fn sql(kind: SqlKind, text: &str, binds: &[&str], at: u64, took: u64) -> Sql {
    let is_query = kind == SqlKind::Query;
    Sql {
        sql: text.to_owned(),
        binds: binds.iter().map(|bind| (*bind).to_owned()).collect(),
        kind,
        at: us(at),
        took: us(took),
        rows: is_query.then_some(20),
        error: None,
        connection: if kind == SqlKind::Write { "writer" } else { "reader" },
        caller: is_query.then(|| "src/posts/queries.rs:12".to_owned()),
        for_key: is_query.then(|| "posts.list?page=1".to_owned()),
        trace: None,
    }
}

fn page_key() -> [(&'static str, &'static str); 4] {
    [("scheme", "\"http\""), ("host", "\"127.0.0.1:8080\""), ("path", "\"/\""), ("query", "none")]
}

/// The home page, built.
pub fn miss() -> Record {
    let mut record = plain(1, "GET", "/", 200, Kind::Page);
    record.time = Times {
        wall: us(8_440),
        cpu: us(6_100),
        sql: us(3_260),
        cache: us(410),
        freshness: Duration::ZERO,
        checks: 0,
        connection: us(0),
        flight: us(0),
        rendering: us(2_300),
        store: us(0),
        round_trips: 0,
        codec: us(96),
        toolbar: us(64),
    };
    record.response.headers = pairs(&[
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "public, max-age=0, must-revalidate, stale-if-error=86400"),
        ("etag", "\"a41f0c9d3be2\""),
        ("vary", "Accept-Encoding"),
        ("cache-status", "larder; fwd=uri-miss; stored"),
    ]);
    record.verdict = verdict(PageOutcome::Miss, "larder; fwd=uri-miss; stored");
    record.verdict.key = pairs(&page_key());
    record.verdict.raw_key = Some("page?scheme=\"http\"&host=\"127.0.0.1:8080\"&path=\"/\"".into());
    record.verdict.fresh_left = Some(s(3_600));
    record.verdict.stale_left = Some(s(86_400));
    record.verdict.stored_bytes = Some(14_310);
    record.verdict.sent_bytes = Some(3_120);
    record.verdict.coding = Some("br".to_owned());
    record.verdict.varies = vec!["Accept-Encoding".to_owned()];
    let miss = || Outcome::Miss(Miss::Never);
    let mut page = made(node(Level::Page, "page", &page_key()[2..3], miss()), 30, 8_100, 14_310);
    let list = node(Level::Query, "posts.list", &[("page", "1"), ("q", "none")], miss());
    let header = node(Level::Fragment, "site.header", &[("section", "\"posts\"")], miss());
    let footer = node(Level::Fragment, "site.footer", &[("version", "\"0.1.0\"")], Outcome::Hit);
    let mut footer = CacheNode { at: us(7_700), store: Some(Store::Memory), ..footer };
    footer.tags.clear();
    footer.age = Some(s(61));
    page.children = vec![made(list, 420, 4_300, 2_140), made(header, 5_600, 180, 612), footer];
    record.cache = vec![page];
    record.sql = vec![
        sql(SqlKind::Transaction, "BEGIN", &[], 460, 12),
        sql(SqlKind::Stamps, "SELECT tag, n, r FROM cache_versions", &[], 480, 90),
        sql(SqlKind::Query, "SELECT count(*) FROM `posts`", &[], 640, 410),
        sql(SqlKind::Query, LIST, &["20", "0"], 1_120, 2_700),
        sql(SqlKind::Transaction, "COMMIT", &[], 3_900, 14),
    ];
    record.sql[2].rows = Some(1);
    record.templates = vec![Template {
        name: "posts/index.html".to_owned(),
        took: us(2_300),
        bytes: 14_310,
        fragments: vec![("site.header".to_owned(), false), ("site.footer".to_owned(), true)],
    }];
    record.log = vec![line(8_400, "INFO", "larder::site::log", "GET / 200 miss, stored")];
    record
}

fn line(at: u64, level: &str, target: &str, message: &str) -> LogLine {
    LogLine {
        at: us(at),
        level: level.to_owned(),
        target: target.to_owned(),
        message: message.to_owned(),
    }
}

/// The home page, from memory.
pub fn hit() -> Record {
    let made = miss();
    let mut record = plain(2, "GET", "/", 200, Kind::Page);
    let saved = Build { queries: 2, took: us(3_110), at: made.began, by: Some(made.id) };
    record.time = Times { wall: us(212), cpu: us(180), rendering: us(0), ..record.time };
    record.response.headers = made.response.headers;
    record.response.headers[4].1 = "larder; hit; ttl=3597".to_owned();
    record.verdict = Verdict {
        outcome: PageOutcome::Hit,
        age: Some(s(3)),
        fresh_left: Some(s(3_597)),
        level: Some(Store::Memory),
        saved: Some(saved),
        status_line: "larder; hit; ttl=3597".to_owned(),
        ..made.verdict
    };
    let page = node(Level::Page, "page", &page_key()[2..3], Outcome::Hit);
    let age = (Some(s(3)), Some(s(3_597)));
    let (store, bytes) = (Some(Store::Memory), Some(14_310));
    record.cache =
        vec![CacheNode { store, bytes, age: age.0, left: age.1, saved: Some(saved), ..page }];
    record
}

/// A product is changed.
pub fn edit() -> Record {
    let mut record = plain(3, "POST", "/posts/17", 303, Kind::Redirect);
    record.request.route = Some("/posts/{id}".to_owned());
    record.request.body = Some(("application/x-www-form-urlencoded".to_owned(), 58));
    record.response.location = Some("/posts/17".to_owned());
    record.response.bytes = Some(0);
    record.verdict = verdict(PageOutcome::Write, "larder; fwd=method");
    record.verdict.rule = Some("method".to_owned());
    let update = "UPDATE `posts` SET `title` = ?, `price_cents` = ? WHERE (`posts`.`id` = ?)";
    record.sql = vec![
        sql(SqlKind::Transaction, "BEGIN IMMEDIATE", &[], 120, 20),
        sql(SqlKind::Write, update, &["'Earl Grey'", "490", "17"], 160, 640),
        sql(SqlKind::Transaction, "COMMIT", &[], 820, 710),
    ];
    record.time.sql = us(1_370);
    record.moved = vec![
        Moved { tag: "posts".to_owned(), emptied: [9, 1, 3] },
        Moved { tag: "posts#17".to_owned(), emptied: [1, 0, 1] },
    ];
    record
}

/// The home page, rebuilt after that change.
pub fn invalidated() -> Record {
    let (mut record, edit) = (miss(), edit());
    record.id = RequestId(0x7f3a_91c0_55d2_0004);
    record.began = began(14);
    let (at, by) = (Some(edit.began), Some(edit.id));
    let miss = || Miss::Invalidated { tag: "posts".to_owned(), at, by };
    record.cache[0].outcome = Outcome::Miss(miss());
    record.cache[0].children[0].outcome = Outcome::Miss(miss());
    record
}

/// A form with invalid input.
pub fn failed_form() -> Record {
    let mut record = plain(5, "POST", "/posts", 422, Kind::Page);
    record.request.body = Some(("application/x-www-form-urlencoded".to_owned(), 21));
    record.verdict = verdict(PageOutcome::Write, "larder; fwd=method");
    record
}

/// A redirect from an old URL.
pub fn redirect() -> Record {
    let mut record = plain(6, "GET", "/posts/17/", 308, Kind::Redirect);
    record.response.location = Some("/posts/17".to_owned());
    record.request.route = None;
    record
}

/// Figures of the cache, as JSON.
pub fn json() -> Record {
    let mut record = plain(7, "GET", "/cache/key", 200, Kind::Json);
    record.request.query = pairs(&[("key", "page?path=\"/\"&q=\"fish & chips\"")]);
    record
}

/// A page that could not be built.
pub fn failure() -> Record {
    let mut record = plain(8, "GET", "/posts/17", 500, Kind::Page);
    record.request.route = Some("/posts/{id}".to_owned());
    record.verdict = verdict(PageOutcome::Uncacheable, "larder; fwd=uri-miss; detail=\"status\"");
    record.verdict.rule = Some("status".to_owned());
    record.time.wall = us(6_100);
    record.time.sql = us(5_000);
    let mut statement = sql(SqlKind::Query, ONE, &["17"], 300, 5_000);
    statement.error = Some("database is locked".to_owned());
    statement.rows = None;
    record.sql = vec![statement];
    record.log = vec![
        line(310, "WARN", "larder::db", "waiting for another writer"),
        line(5_400, "ERROR", "larder::error", "cannot read the product: database is locked"),
    ];
    record
}

/// A page with one query per row.
pub fn similar() -> Record {
    let mut record = plain(9, "GET", "/tastings", 200, Kind::Page);
    let ids: Vec<String> = (0..60).map(|n| (n % 54).to_string()).collect();
    let asked = ids.iter().zip(0..);
    record.sql = asked.map(|(id, n)| sql(SqlKind::Query, ONE, &[id], 200 + n * 240, 190)).collect();
    record.sql.iter_mut().for_each(|statement| statement.rows = Some(1));
    record.time.wall = us(18_400);
    record.time.sql = us(11_400);
    record
}

/// Redis does not answer.
pub fn outage() -> Record {
    let mut record = miss();
    record.id = RequestId(0x7f3a_91c0_55d2_000a);
    record.began = began(30);
    record.cache[0].children[0].outcome = Outcome::Outage("breaker open".to_owned());
    record.time.store = us(250);
    record.time.round_trips = 1;
    record.values = vec![ValueCall {
        operation: "incr",
        key: "visits".to_owned(),
        store: Store::Shared,
        outcome: "outage: breaker open".to_owned(),
        at: us(8_000),
        took: us(250),
    }];
    record.log.push(line(260, "WARN", "larder::cache::store", "Redis does not answer"));
    record
}

/// A stale page, since its rebuild failed.
pub fn stale() -> Record {
    let mut record = hit();
    record.id = RequestId(0x7f3a_91c0_55d2_000b);
    record.began = began(33);
    record.verdict.outcome = PageOutcome::Stale;
    record.verdict.rule = Some("stale-if-error".to_owned());
    record.verdict.age = Some(s(4_000));
    record.verdict.fresh_left = None;
    record.verdict.stale_left = Some(s(82_800));
    record.verdict.saved = None;
    record.cache[0].outcome = Outcome::Stale("stale-if-error".to_owned());
    record
}

/// Returns all of them, the newest first.
pub fn all() -> Vec<Record> {
    let mut all = vec![miss(), hit(), edit(), invalidated(), failed_form(), redirect(), json()];
    all.extend([failure(), similar(), outage(), stale()]);
    all.reverse();
    all
}
