//! `/health`: whether the shop can serve requests, without details for strangers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{
    DEFAULT_REDIS_TIMEOUT, Database, Hold, Page, Program, Proxy, Redis, TestDatabase, TestSite,
    free_port, larder, on_both_databases, until,
};

on_both_databases! {
    a_running_shop_is_live_and_ready,
    probes_are_answered_under_any_host_or_none,
    a_dead_redis_is_reported_and_the_shop_stays_ready;
    by_hand:
    without_its_triggers_the_shop_is_not_ready,
}

fn a_running_shop_is_live_and_ready(on: Database) {
    let site = TestSite::start(on);
    let live = site.get("/health/live");
    live.assert_status(200).assert_header("cache-control", "no-store");
    live.assert_header("content-type", "application/json");
    assert_eq!(live.html(), r#"{"live":true}"#);
    assert_eq!(readiness(&site, 200), told(true, ["ok", "ok", "ok", "off"]));
    site.head("/health/ready").assert_status(200);
    site.submit("/health/ready", &[]).assert_status(405);
    // The probe has its own connection: it uses up none of those of the readers.
    for _ in 0..100 {
        readiness(&site, 200);
    }
}

fn probes_are_answered_under_any_host_or_none(on: Database) {
    let site = TestSite::start(on);
    for path in ["/health/live", "/health/ready"] {
        for host in ["192.0.2.7", "192.0.2.7:8000", "shop.example", "[2001:db8::1]:80"] {
            site.ask("GET", path).header("Host", host).send().assert_status(200);
        }
        let bare = format!("GET {path} HTTP/1.0\r\n\r\n");
        site.raw(bare.as_bytes()).assert_status(200);
    }
    for path in ["/", "/metrics", "/health", "/health/ready/", "/health/live/x"] {
        site.ask("GET", path).header("Host", "192.0.2.7").send().assert_status(421);
    }
    let write = site.ask("POST", "/health/ready").header("Host", "192.0.2.7").send();
    write.assert_status(421);
}

fn a_dead_redis_is_reported_and_the_shop_stays_ready(on: Database) {
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let alone = TestSite::start_with(on, &["--redis", &nowhere]);
    assert_eq!(readiness(&alone, 200), told(true, ["ok", "ok", "ok", "failed"]));
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::start_with(
        on,
        &["--redis", &redis.url(), "--redis-timeout", DEFAULT_REDIS_TIMEOUT],
    );
    // On a busy machine Redis may answer too late at first.
    let all_is_well = told(true, ["ok", "ok", "ok", "ok"]);
    until("Redis is well", || readiness(&site, 200) == all_is_well);
    redis.signal("STOP");
    // It is answered while Redis hangs.
    assert_eq!(readiness(&site, 200), told(true, ["ok", "ok", "ok", "failed"]));
}

fn without_its_triggers_the_shop_is_not_ready(on: Database) {
    let site = TestSite::start(on);
    readiness(&site, 200);
    site.database.sql_of_each(
        "DROP TRIGGER products_cache_update",
        "ALTER TABLE products DISABLE TRIGGER products_cache_update",
    );
    assert_eq!(readiness(&site, 503), told(false, ["ok", "ok", "failed", "off"]));
    site.wait_for_log("the shop is not ready");
    site.get("/health/live").assert_status(200);
    site.database.sql("DELETE FROM __diesel_schema_migrations WHERE version <> '0'");
    assert_eq!(readiness(&site, 503), told(false, ["ok", "failed", "failed", "off"]));
}

#[test]
fn a_shop_that_drains_is_not_ready_and_goes_on_until_the_second_signal() {
    let site = TestSite::start_with(Database::Sqlite, &["--drain", "600"]);
    readiness(&site, 200);
    site.signal("TERM");
    assert_eq!(readiness(&site, 503), r#"{"draining":true,"ready":false}"#);
    site.get("/health/live").assert_status(200);
    site.get("/").assert_status(200).assert_header("connection", "close");
    site.adds("Tea", "4.99").assert_sends_to("/");
    site.signal("TERM");
    assert!(site.ends().status.success());

    // Ctrl-C waits for nothing.
    let site = TestSite::start_with(Database::Sqlite, &["--drain", "600"]);
    site.signal("INT");
    assert!(site.ends().status.success());
}

#[test]
fn a_file_that_is_gone_is_not_made_anew() {
    let site = TestSite::start(Database::Sqlite);
    readiness(&site, 200);
    let file = site.database.file();
    std::fs::rename(&file, file.with_extension("away")).unwrap();
    let page = site.get("/health/ready");
    assert_eq!(readiness(&site, 503), told(false, ["failed", "unknown", "unknown", "off"]));
    assert!(!file.exists(), "looking makes no file");
    assert!(!page.html().contains("sqlite"), "{}", page.html());
    std::fs::rename(file.with_extension("away"), &file).unwrap();
    assert_eq!(readiness(&site, 200), told(true, ["ok", "ok", "ok", "off"]));
}

#[test]
fn without_its_database_the_shop_is_live_and_not_ready() {
    let Some((site, proxy)) = behind_a_wire() else { return };
    readiness(&site, 200);
    // On a busy machine the first look may have taken too long.
    let told_of = |what: &str| site.log().matches(what).count();
    let before = told_of("the shop is not ready");
    proxy.cut();
    for _ in 0..3 {
        assert_eq!(readiness(&site, 503), told(false, ["failed", "unknown", "unknown", "off"]));
        site.get("/health/live").assert_status(200);
    }
    until("it is in the log", || told_of("the shop is not ready") > before);
    assert_eq!(told_of("the shop is not ready"), before + 1, "{}", site.log());
    proxy.mend();
    assert_eq!(readiness(&site, 200), told(true, ["ok", "ok", "ok", "off"]));
    site.wait_for_log("the shop is ready again");
}

#[test]
fn a_database_that_hangs_blocks_no_probe() {
    let Some((site, proxy)) = behind_a_wire() else { return };
    readiness(&site, 200);
    proxy.hold(Hold { connection: "", statement: "" });
    let began = Instant::now();
    let crowd: Vec<_> = (0..20).map(|_| site.begins("/health/ready")).collect();
    site.get("/health/live").assert_status(200);
    // All probes are answered while the database hangs.
    for pending in crowd {
        pending.answer().assert_status(503);
    }
    // A look ends after two seconds, and probes that come later on a busy machine look again.
    let most = 1 + usize::try_from(began.elapsed().as_secs() / 2).unwrap();
    let looks = proxy.held_within(Duration::ZERO);
    assert!((1..=most.min(19)).contains(&looks), "they look together, not {looks} times");
    proxy.let_go();
    until("the shop is ready again", || site.get("/health/ready").status == 200);
}

/// Starts a shop whose Postgres is behind a proxy; returns `None` if Postgres is not installed.
fn behind_a_wire() -> Option<(TestSite, Proxy)> {
    if !Database::Postgres.is_here(false) {
        return None;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    let (proxy, url) = database.through_a_proxy();
    let command = larder(&["serve", "--no-samples", "--database", &url]);
    Some((TestSite::of(Program::start(command), database), proxy))
}

/// Returns the body of the readiness probe once it has this status.
///
/// The probe itself waits for two seconds at most, which a busy machine may need.
#[track_caller]
fn readiness(site: &TestSite, status: u16) -> String {
    let mut page: Page = site.get("/health/ready");
    until("the status of the probe", || {
        page.status == status || {
            page = site.get("/health/ready");
            false
        }
    });
    page.assert_header("cache-control", "no-store");
    page.assert_header("content-type", "application/json");
    page.html()
}

fn told(ready: bool, [database, migrations, triggers, redis]: [&str; 4]) -> String {
    format!(
        "{{\"ready\":{ready},\"checks\":{{\"database\":\"{database}\",\
         \"migrations\":\"{migrations}\",\"triggers\":\"{triggers}\",\"redis\":\"{redis}\",\"writes\":\"ok\"}}}}"
    )
}
