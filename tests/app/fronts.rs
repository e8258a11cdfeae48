//! Caches in front of the shop: a real Varnish, and what leaves the shop for any of them.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use crate::support::{
    Certificates, Database, Hold, Leash, PASSWORD, Page, Program, Proxy, Says, TestDatabase,
    TestSite, Upstream, Varnish, account, are_installed, find_program, is_stored, larder,
    lasting_port, leashed, on_both_databases, until,
};

on_both_databases! {
    by_hand:
    varnish_serves_a_page_until_its_data_change,
    what_changes_while_no_shop_runs_is_purged_by_the_next_one,
}

/// Selects whether all was purged that the start of a shop purges, and purged once more.
const IS_SETTLED: &str = "SELECT count(*) = 1 AND sum(again) = 0 FROM cache_purged \
                          WHERE (SELECT max(again) FROM cache_purged) = 0 AND tag = '!'";

/// Starts a shop behind a Varnish at this port, which may not be open yet.
fn behind(port: u16, database: Arc<TestDatabase>, flags: &[&str]) -> TestSite {
    let front = format!("varnish=http://127.0.0.1:{port}");
    TestSite::open(database, &[&["--front", &front], flags].concat())
}

/// Waits until nothing is left to purge, of which the second time is 10 seconds after the first one.
fn settles(database: &TestDatabase) {
    until("it purges", || database.takes("SELECT 1 FROM cache_purged"));
    until("all is purged twice", || ["1", "t"].contains(&&*database.sql(IS_SETTLED)));
}

fn varnish_serves_a_page_until_its_data_change(on: Database) {
    if !Varnish::is_here() {
        return;
    }
    let port = lasting_port();
    let site = behind(port, Arc::new(TestDatabase::migrated(on)), &[]);
    let [tea, milk] = ["Tea", "Milk"].map(|title| site.has_product(title));
    let [tea_page, milk_page] = [tea, milk].map(|id| format!("/products/{id}"));
    let varnish = Varnish::start(port, site.port());
    // It was not there when the shop started: the first purge is delivered late, and then once more.
    settles(&site.database);

    for path in ["/", &tea_page, &milk_page] {
        varnish.serves(path).assert_status(200);
    }
    site.edits(tea, &[("title", "Green tea")]);
    until("the edit shows", || varnish.get(&tea_page).text().contains("Green tea"));
    assert!(is_stored(&varnish.get(&milk_page)), "another page stays");
    until("the list shows it", || varnish.get("/").text().contains("Green tea"));

    varnish.serves(&tea_page).assert_sees("Green tea");
    site.database.sql(&format!("UPDATE products SET title = 'Black tea' WHERE id = {tea}"));
    until("another program's write shows", || varnish.get(&tea_page).text().contains("Black tea"));

    varnish.serves(&milk_page);
    site.submit("/cache/invalidate", &[("tag", "everything")]);
    until("the button purges all", || !is_stored(&varnish.get(&milk_page)));
}

fn what_changes_while_no_shop_runs_is_purged_by_the_next_one(on: Database) {
    if !Varnish::is_here() {
        return;
    }
    let (port, shop) = (lasting_port(), lasting_port());
    let bind = ["--bind", &format!("127.0.0.1:{shop}")];
    let site = behind(port, Arc::new(TestDatabase::migrated(on)), &bind);
    let tea = site.has_product("Tea");
    let varnish = Varnish::start(port, shop);
    let (page, database) = (format!("/products/{tea}"), Arc::clone(&site.database));
    settles(&database);
    varnish.serves(&page);
    drop(site);
    database.sql(&format!("UPDATE products SET title = 'Green tea' WHERE id = {tea}"));
    varnish.get(&page).assert_status(200).assert_sees_not("Green tea");
    let _site = behind(port, database, &bind);
    until("it is purged", || varnish.get(&page).text().contains("Green tea"));
}

#[test]
fn the_metrics_tell_how_long_a_front_has_been_behind() {
    // It takes connections and hangs, until the purge gives up.
    let front = Upstream::start(Says::Nothing);
    let address = format!("varnish={}", front.url().trim_end_matches("/prices.json"));
    let database = Arc::new(TestDatabase::migrated(Database::Sqlite));
    let site = TestSite::open(database, &["--front", &address]);
    let figures = || {
        let figures = site.figures();
        let get = |name: &str, label: &str| {
            figures.get(&format!("{name}{{front=\"{address}\"{label}}}")).unwrap()
        };
        let purges =
            |result: &str| get("larder_front_purges_total", &format!(",result=\"{result}\""));
        (purges("ok"), purges("error"), get("larder_front_behind_seconds", ""))
    };
    until("it is behind", || matches!(figures(), (0.0, 0.0, 1.0..)));
    until("a purge has failed", || matches!(figures(), (0.0, 1.0.., 1.0..)));
    front.says(Says::Head("200 OK"));
    until("it is not behind any more", || matches!(figures(), (1.0.., 1.0.., 0.0)));
}

#[test]
fn a_service_is_told_by_https_and_has_to_show_its_certificate() {
    if !are_installed(&["haproxy"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::issue(folder.path(), "localhost");
    let service = Upstream::start(Says::Head("200 OK"));
    let (port, _tls) = behind_tls(&service, &certificates, folder.path());
    let database = Arc::new(TestDatabase::migrated(Database::Sqlite));
    let open = |port: u16, trusted: &Certificates| {
        let front = format!("fastly=service1@https://localhost:{port}");
        let url = database.url();
        let mut command = larder(&["serve", "--no-samples", "--toolbar", "off"]);
        command.args(["--database", &url, "--front", &front]);
        command.env("LARDER_FRONT_TOKEN", "sesame").env("SSL_CERT_FILE", &trusted.authority);
        TestSite::of(Program::start(command), Arc::clone(&database))
    };
    let [strange, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let unknown = open(port, &Certificates::issue(strange.path(), "localhost"));
    let others = Certificates::issue(elsewhere.path(), "others.test");
    let (others_port, _others_tls) = behind_tls(&service, &others, elsewhere.path());
    for suspicious in [unknown, open(others_port, &others)] {
        suspicious.wait_for_log("the cache in front is not purged");
        assert!(suspicious.log().contains("invalid peer certificate"), "{}", suspicious.log());
        assert!(!suspicious.log().contains("sesame"), "{}", suspicious.log());
    }
    assert_eq!(service.asked(), 0);
    let site = open(port, &certificates);
    service.is_asked(1);
    assert!(site.get("/").header("surrogate-key").is_some());
}

/// Starts a proxy with TLS in front of the service; returns its port.
fn behind_tls(service: &Upstream, certificates: &Certificates, folder: &Path) -> (u16, Program) {
    let pem = folder.join("service.pem");
    let [certificate, key] = [&certificates.certificate, &certificates.key]
        .map(|file| fs::read_to_string(file).unwrap());
    fs::write(&pem, certificate + &key).unwrap();
    let (port, address) = (lasting_port(), service.url().trim_start_matches("http://"));
    let address = address.split('/').next().unwrap();
    let file = folder.join("haproxy.cfg");
    let times = "timeout connect 60s\ntimeout client 60s\ntimeout server 60s";
    let bind = format!("bind 127.0.0.1:{port} ssl crt {}", pem.display());
    let text =
        format!("defaults\nmode http\n{times}\nlisten service\n{bind}\nserver one {address}\n");
    fs::write(&file, text).unwrap();
    let mut command = leashed(find_program("haproxy").unwrap(), Leash::default());
    command.arg("-db").arg("-f").arg(&file);
    let proxy = Program::start(command);
    until("HAProxy listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (port, proxy)
}

/// The first purge comes too early for it.
#[test]
fn a_page_that_was_on_its_way_when_its_data_changed_is_purged_after_it_has_arrived() {
    if !Varnish::is_here() || !Database::Sqlite.is_here(true) {
        return;
    }
    let port = lasting_port();
    let site = behind(port, Arc::new(TestDatabase::migrated(Database::Sqlite)), &[]);
    let tea = site.has_product("Tea");
    let path = format!("/products/{tea}");
    let proxy = Proxy::to(site.port());
    let varnish = Varnish::start(port, proxy.port());
    settles(&site.database);
    proxy.hold_one(Hold { connection: "GET /products/", statement: "" });
    thread::scope(|scope| {
        let asked = scope.spawn(|| varnish.get(&path));
        proxy.wait_until_held();
        site.edits(tea, &[("title", "Green tea")]);
        let is_purged = "SELECT max(again) > 0 FROM cache_purged WHERE tag <> ''";
        until("the change is purged", || site.database.sql(is_purged) == "1");
        proxy.let_go();
        asked.join().unwrap().assert_sees("Tea").assert_sees_not("Green tea");
    });
    until("it is purged once more", || varnish.get(&path).text().contains("Green tea"));
}

/// Returns the headers for a cache in front.
fn marks(page: &Page) -> [Option<String>; 2] {
    ["xkey", "cdn-cache-control"].map(|name| page.header(name))
}

#[test]
fn only_pages_that_are_the_same_for_all_leave_with_a_lifetime() {
    let database = Arc::new(TestDatabase::migrated(Database::Sqlite));
    account(&database, &["add", "Mina"], PASSWORD);
    let site = behind(lasting_port(), database, &["--access", "staff"]);
    for path in ["/", "/cookbook", "/api"] {
        for turn in ["built", "hit"] {
            let page = site.get(path);
            let [keys, lifetime] = marks(&page);
            assert!(keys.is_some() && lifetime.is_some(), "{path}, {turn}: {page:?}");
            assert_eq!(
                page.header("cache-control").as_deref(),
                Some("private, no-cache"),
                "{path}"
            );
        }
    }
    for path in ["/login", "/health/ready", "/cache", "/metrics", "/static/nothing.css"] {
        assert_eq!(marks(&site.get(path)), [None, None], "{path}");
    }
    let mut mina = site.visitor();
    let login = mina.submit("/login", &[("name", "Mina"), ("password", PASSWORD)]);
    assert_eq!(marks(&login), [None, None], "with a confirmation");
    for turn in ["built", "hit"] {
        let page = mina.get("/");
        page.assert_status(200).assert_sees("Mina");
        assert_eq!(marks(&page), [None, None], "{turn}");
    }
}

#[test]
fn a_page_with_the_toolbar_is_not_for_a_cache_in_front() {
    let database = Arc::new(TestDatabase::migrated(Database::Sqlite));
    let site = behind(lasting_port(), database, &["--toolbar", "on"]);
    for _ in 0..2 {
        let page = site.get("/");
        assert!(page.html().contains("toolbar"));
        assert_eq!(marks(&page), [None, None]);
    }
}

#[test]
fn the_token_of_a_service_is_taken_from_the_environment_and_never_shown() {
    let database = Arc::new(TestDatabase::migrated(Database::Sqlite));
    let service = Upstream::start(Says::Head("403 Forbidden"));
    let api = service.url().trim_end_matches("/prices.json");
    let front = format!("cloudflare=zone1@{api}");
    let starts = |token: Option<&str>, fronts: &str| {
        let url = database.url();
        let mut command = larder(&["serve", "--no-samples", "--toolbar", "off"]);
        command.args(["--database", &url, "--front", fronts]).env("RUST_LOG", "trace");
        token.map(|token| command.env("LARDER_FRONT_TOKEN", token));
        Program::start(command)
    };
    let site = TestSite::of(starts(Some("sesame"), &front), Arc::clone(&database));
    site.wait_for_log("the cache in front is not purged");
    assert!(site.log().contains("403"), "{}", site.log());
    service.says(Says::Head("200 OK"));
    site.wait_for_log("the cache in front is purged again");
    assert!(site.get("/").header("cache-tag").is_some());
    assert!(!site.log().contains("sesame"), "{}", site.log());
    drop(site);

    for (token, fronts, said) in [
        (None, front.as_str(), "LARDER_FRONT_TOKEN"),
        (Some("sesame"), "fastly=a,varnish=http://127.0.0.1:1", "several kinds"),
        (Some("sesame"), "varnish=http://ann:secret@127.0.0.1:1", "expected varnish="),
        (Some("two\nlines"), &front, "characters"),
    ] {
        let ended = starts(token, fronts).ends();
        assert!(!ended.status.success() && ended.err.contains(said), "{fronts}: {ended:?}");
        for secret in ["sesame", "secret", "two"] {
            assert!(!ended.err.contains(secret), "{fronts}: {ended:?}");
        }
    }
}
