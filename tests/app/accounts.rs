//! Staff accounts: where only staff may write, and that no other visitor sees what staff see.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{iter, thread};

use crate::support::{
    Browser, Database, PASSWORD, Page, Redis, Screen, TestSite, account, on_both_databases, until,
};

on_both_databases! {
    staff_sign_in_edit_and_sign_out,
    a_failed_sign_in_does_not_tell_what_was_wrong,
    a_name_has_ten_attempts_and_no_more,
    a_session_that_ends_in_one_instance_ends_in_all,
    no_session_opened_by_the_old_password_outlives_its_change,
    no_visitor_sees_the_name_of_another,
    the_cache_and_the_toolbar_are_for_staff,
    the_cookie_is_secure_behind_tls,
    the_staff_index_searches_every_section,
    an_open_shop_needs_no_sign_in;
    by_hand: a_session_deleted_in_sql_ends_at_once,
}

const STAFF: [(&str, &str); 2] = [("name", "Mina"), ("password", PASSWORD)];

fn cookie_of(page: &Page) -> String {
    let session = page.lines_of("set-cookie").find(|line| line.contains("larder-session="));
    session.expect("a session").split(';').next().unwrap().to_owned()
}

/// Signs in without a browser; returns the cookie.
#[track_caller]
fn signed_in(site: &TestSite, name: &str) -> String {
    let answer = site.submit("/login", &[("name", name), ("password", PASSWORD)]);
    cookie_of(answer.assert_sends_to("/staff"))
}

#[track_caller]
fn as_shown(site: &TestSite, path: &str, cookie: &str) -> Page {
    site.ask("GET", path).header("Cookie", cookie).send()
}

fn staff_sign_in_edit_and_sign_out(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let mut mina = site.visitor();

    // Visitors read from the cache and see no controls of staff.
    let home = site.get("/");
    home.assert_cache("miss").assert_sees_not("New product").assert_sees("Staff");
    site.get("/").assert_cache("hit");
    site.get("/products/new").assert_sends_to("/login?next=%2Fproducts%2Fnew");
    let tea = [("title", "Tea"), ("price", "4.99")];
    let refused = site.submit("/products", &tea);
    refused.assert_status(403).assert_is_in_the_shops_dress().assert_sees("session has ended");
    site.submit("/cache/invalidate", &[("tag", "everything")]).assert_status(403);

    // After signing in, staff reach the page that they had requested.
    mina.get("/login?next=%2Fproducts%2Fnew").assert_status(200).assert_sees("Sign in");
    let fields = [STAFF[0], STAFF[1], ("next", "/products/new")];
    mina.submit("/login", &fields).assert_sees("Mina").assert_sees("Sign out");
    let home = mina.submit("/products", &tea);
    home.assert_sees("Added “Tea”.").assert_sees("New product");

    // Staff share the page that offers to write; no browser stores it, since a name is filled in.
    let home = mina.get("/");
    home.assert_cache("hit").assert_sees("Mina").assert_sees("New product");
    home.assert_header("cache-control", "no-store").assert_no_header("etag");
    let id = home.listed()[0];
    let edit = format!("/products/{id}");
    let changes =
        [("title", "Green tea"), ("price", "5"), ("was_title", "Tea"), ("was_price", "4.99")];
    mina.submit(&edit, &changes).assert_sees("Green tea");
    site.get("/").assert_cache("miss").assert_sees("Green tea").assert_sees_not("Edit");
    site.get("/").assert_cache("hit").assert_sees_not("Mina");

    // After signing out, the old cookie opens no session, and the client that sends it is a
    // visitor.
    let cookie = format!("larder-session={}", mina.cookies()["larder-session"]);
    as_shown(&site, "/", &cookie).assert_sees("Mina");
    mina.posts("/logout", &[]).assert_sends_to("/");
    assert!(!mina.cookies().contains_key("larder-session"));
    as_shown(&site, "/", &cookie).assert_cache("hit").assert_sees_not("Mina");
    as_shown(&site, "/staff", &cookie).assert_sends_to("/login?next=%2Fstaff");
    let write = site.ask("POST", "/products").header("Cookie", &cookie).form(&tea).send();
    write.assert_status(403);
}

fn a_failed_sign_in_does_not_tell_what_was_wrong(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let tried = |name: &str, password: &str| {
        let page = site.submit("/login", &[("name", name), ("password", password)]);
        page.assert_status(422).assert_header("cache-control", "no-store");
        page.assert_no_header("set-cookie");
        assert!(!page.html().contains(password), "a password is never shown");
        page.html().replace(name, "NAME")
    };
    let (wrong, absent) = (tried("Mina", "wrong pass"), tried("Otto", "wrong pass"));
    assert_eq!(wrong, absent);
    tried("Mina", &"x".repeat(5_000));
    // The case of a name does not matter, and redirects stay on this site.
    let fields = [("name", " mina "), STAFF[1], ("next", "//evil.test/")];
    let answer = site.submit("/login", &fields);
    answer.assert_sends_to("/");
    let cookie = answer.header("set-cookie").unwrap();
    for word in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this is no TLS: {cookie}");
    // A form on another site cannot sign a visitor in.
    let foreign = site.ask("POST", "/login").form(&STAFF).header("Sec-Fetch-Site", "cross-site");
    foreign.send().assert_status(403);
}

fn a_name_has_ten_attempts_and_no_more(on: Database) {
    let Some(redis) = Redis::start() else { return };
    let site = TestSite::with_staff(on, &["Mina", "Otto"], &["--redis", &redis.url()]);
    let other = site.another_instance_with(&["--access", "staff", "--redis", &redis.url()]);
    let wrong = [("name", "mina"), ("password", "wrong pass")];
    for count in 0..10 {
        let instance = if count % 2 == 0 { &site } else { &other };
        instance.submit("/login", &wrong).assert_status(422);
    }
    // The limit holds in every instance, and for the right password, too. Other names are not
    // affected.
    for instance in [&site, &other] {
        let refused = instance.submit("/login", &STAFF);
        refused.assert_status(429).assert_header("retry-after", "900");
        refused.assert_is_in_the_shops_dress().assert_no_header("set-cookie");
    }
    signed_in(&other, "Otto");
    assert!(!redis.keys().to_lowercase().contains("mina"), "{}", redis.keys());
}

fn a_session_that_ends_in_one_instance_ends_in_all(on: Database) {
    let site = TestSite::with_staff(on, &["Mina", "Otto"], &[]);
    let other = site.another_instance_with(&["--access", "staff"]);
    let is_in = |cookie: &str| {
        let answers = [&site, &other].map(|instance| as_shown(instance, "/staff", cookie).status);
        assert_eq!(answers[0], answers[1], "instances agree");
        answers[0] == 200
    };

    // Signing in again ends the session that the browser had.
    let first = signed_in(&site, "Mina");
    let again = site.ask("POST", "/login").header("Cookie", &first).form(&STAFF).send();
    let second = cookie_of(&again);
    assert!(first != second && !is_in(&first) && is_in(&second));

    // A password change ends all sessions but the one that made it.
    let third = signed_in(&other, "Mina");
    let fields = [("old", PASSWORD), ("new", "coffee and cake"), ("again", "coffee and cake")];
    let wrong = [("old", "not this one"), ("new", "short"), ("again", "other")];
    let change = |fields: &[(&str, &str)]| {
        site.ask("POST", "/staff/password").header("Cookie", &third).form(fields).send()
    };
    change(&wrong).assert_status(422).assert_sees("at least 8").assert_sees("differ");
    let fourth = cookie_of(change(&fields).assert_sends_to("/staff"));
    assert!(!is_in(&second) && !is_in(&third) && is_in(&fourth));

    // On the command line: another password, or the removal of the account.
    account(&site.database, &["password", "mina"], PASSWORD);
    assert!(!is_in(&fourth));
    let otto = signed_in(&site, "Otto");
    assert!(is_in(&otto));
    let listed = account(&site.database, &["list"], "");
    assert!(listed.contains("Mina") && listed.contains("Otto"), "{listed}");
    account(&site.database, &["remove", "Otto"], "");
    assert!(!is_in(&otto));
    let otto = [("name", "Otto"), STAFF[1]];
    site.submit("/login", &otto).assert_status(422);
}

fn no_session_opened_by_the_old_password_outlives_its_change(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let (are_in, is_changed) = (AtomicBool::new(false), AtomicBool::new(false));
    let comes_in = || {
        let answers = iter::from_fn(|| {
            (!is_changed.load(Ordering::SeqCst)).then(|| site.submit("/login", &STAFF))
        });
        let entered = answers.filter(|answer| answer.status == 303);
        entered.inspect(|_| are_in.store(true, Ordering::SeqCst)).map(|a| cookie_of(&a)).collect()
    };
    let cookies: Vec<String> = thread::scope(|scope| {
        let browsers: Vec<_> = (0..4).map(|_| scope.spawn(comes_in)).collect();
        // One browser is signed in; the others may be in the middle of it.
        until("a browser is in", || are_in.load(Ordering::SeqCst));
        account(&site.database, &["password", "mina"], "coffee and cake");
        is_changed.store(true, Ordering::SeqCst);
        let cookies = browsers.into_iter().map(|browser| browser.join().unwrap());
        cookies.collect::<Vec<Vec<String>>>().concat()
    });
    assert!(!cookies.is_empty());
    for cookie in &cookies {
        as_shown(&site, "/staff", cookie).assert_status(303);
    }
    site.submit("/login", &STAFF).assert_status(422);
}

fn a_session_deleted_in_sql_ends_at_once(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let cookie = signed_in(&site, "Mina");
    for _ in 0..2 {
        as_shown(&site, "/staff", &cookie).assert_status(200);
    }
    site.database.sql("UPDATE accounts SET name = 'Hermine'");
    as_shown(&site, "/staff", &cookie).assert_sees("Hermine").assert_sees_not("Mina");
    site.database.sql("UPDATE sessions SET expires_at = '2020-01-01 00:00:00'");
    as_shown(&site, "/staff", &cookie).assert_status(303);
    let cookie = signed_in(&site, "Mina");
    site.database.sql("DELETE FROM sessions");
    as_shown(&site, "/staff", &cookie).assert_status(303);
    // Signing out clears the cookie, whether the session still exists or not.
    let out = site.ask("POST", "/logout").header("Cookie", &cookie).form(&[]).send();
    out.assert_sends_to("/");
    assert!(out.header("set-cookie").is_some_and(|line| line.contains("Max-Age=0")));
}

fn no_visitor_sees_the_name_of_another(on: Database) {
    const NAMES: [&str; 4] = ["Anselm", "Berenike", "Cosima", "Dorothea"];
    let site = TestSite::with_staff(on, &NAMES, &[]);
    let tea = {
        let cookie = signed_in(&site, NAMES[0]);
        let form = [("title", "Tea"), ("price", "1")];
        let add = site.ask("POST", "/products").header("Cookie", &cookie).form(&form).send();
        add.assert_sends_to("/");
        as_shown(&site, "/", &cookie).listed()[0]
    };
    let paths = ["/".to_owned(), format!("/products/{tea}"), "/?q=tea".into(), "/nothing".into()];
    let looks = |name: Option<&str>| {
        let cookie = name.map(|name| signed_in(&site, name));
        for path in paths.iter().cycle().take(40) {
            let page = match &cookie {
                Some(cookie) => as_shown(&site, path, cookie),
                None => site.get(path),
            };
            for known in NAMES {
                assert_eq!(page.text().contains(known), name == Some(known), "{path} for {name:?}");
            }
            assert_eq!(page.text().contains("Sign out"), name.is_some());
        }
    };
    thread::scope(|scope| {
        for name in NAMES.map(Some).into_iter().chain([None, None]) {
            scope.spawn(move || looks(name));
        }
    });
}

fn the_cache_and_the_toolbar_are_for_staff(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &["--toolbar", "on"]);
    let cookie = signed_in(&site, "Mina");
    site.get("/cache").assert_sends_to("/login?next=%2Fcache");
    site.get("/cache/stats").assert_status(401).assert_header("www-authenticate", "Bearer");
    as_shown(&site, "/cache", &cookie).assert_status(200).assert_sees("Mina");

    let home = site.get("/");
    home.assert_no_header("server-timing");
    assert!(!home.html().contains("/static/toolbar"));
    for other in ["larder-session=x", "a=b"] {
        let page = as_shown(&site, "/", other);
        page.assert_no_header("server-timing").assert_cache("hit");
    }
    let home = as_shown(&site, "/", &cookie);
    assert!(home.html().contains("/static/toolbar"));
    let timing = home.header("server-timing").unwrap();
    assert!(timing.contains("products.list hit"), "queries are shared with all: {timing}");
    site.get("/toolbar/requests").assert_status(404);
    let requests = as_shown(&site, "/toolbar/requests?format=json", &cookie);
    requests.assert_status(200);
    assert!(!requests.html().contains("/nothing"), "strangers are not remembered");

    // Programs of staff authenticate with a token.
    let token = account(&site.database, &["token", "Mina"], "");
    let stats = |token: &str| {
        let bearer = format!("Bearer {}", token.trim());
        site.ask("GET", "/cache/stats").header("Authorization", &bearer).send().status
    };
    assert_eq!((stats(&token), stats("x")), (200, 401));
    account(&site.database, &["token", "Mina", "--revoke"], "");
    assert_eq!(stats(&token), 401);
    // A token shows nothing of its owner on pages that are shared by all visitors.
    let bearer = format!("Bearer {}", token.trim());
    let page = site.ask("GET", "/").header("Authorization", &bearer).send();
    page.assert_cache("hit").assert_sees_not("Mina");
}

fn the_cookie_is_secure_behind_tls(on: Database) {
    let flags = ["--bind", "0.0.0.0:0", "--host", "shop.example"];
    let site = TestSite::with_staff(on, &["Mina"], &flags);
    let through = |scheme: &str, origin: &str| {
        let sign_in = site.ask("POST", "/login").header("Host", "shop.example").form(&STAFF);
        let sign_in = sign_in.header("X-Forwarded-For", "192.0.2.7").header("Origin", origin);
        sign_in.header("X-Forwarded-Proto", scheme).send()
    };
    through("https", "https://evil.example").assert_status(403);
    through("https", "http://shop.example").assert_status(403);
    let answer = through("https", "https://shop.example");
    assert!(answer.header("set-cookie").unwrap().contains("; Secure"));
    let cookie = cookie_of(&answer);
    let write = site.ask("POST", "/products").header("Host", "shop.example");
    let write = write.header("X-Forwarded-Proto", "https").header("Origin", "https://shop.example");
    let form = [("title", "Tea"), ("price", "1")];
    write.header("Cookie", &cookie).form(&form).send().assert_sends_to("/");
}

fn the_staff_index_searches_every_section(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &["--toolbar", "on"]);
    let cookie = signed_in(&site, "Mina");
    for title in ["Tea", "Green tea", "Coffee"] {
        let form = [("title", title), ("price", "1")];
        site.ask("POST", "/products").header("Cookie", &cookie).form(&form).send();
    }
    let index = as_shown(&site, "/staff", &cookie);
    index.assert_sees("Products 3").assert_sees("Green tea").assert_sees("$1.00");
    for shelf in
        ["Recipes", "Foods", "Tastings", "Guests", "Members of the league", "Supplier’s prices"]
    {
        index.assert_sees(shelf);
    }
    // The page is rendered for each request, but from cached queries.
    assert!(index.header("server-timing").unwrap().contains("sql;"));
    let again = as_shown(&site, "/staff", &cookie);
    assert!(!again.header("server-timing").unwrap().contains("sql;"));
    let found = as_shown(&site, "/staff?q=TEA", &cookie);
    found.assert_sees("2 found").assert_sees_not("Coffee");
    let edit = found.listed()[0];
    as_shown(&site, &format!("/products/{edit}/edit"), &cookie).assert_sees("Edit product");
}

fn an_open_shop_needs_no_sign_in(on: Database) {
    let site = TestSite::start(on);
    site.get("/login").assert_sends_to("/staff");
    site.get("/staff").assert_status(200).assert_sees("Products").assert_sees_not("Sign out");
    site.get("/staff/password").assert_status(404);
    let public = site.another_instance_with(&["--bind", "0.0.0.0:0"]);
    public.get("/login").assert_status(404);
    public.get("/staff").assert_status(403);
}

/// Locks Mina's account until another transaction waits for it, and then changes its password.
const CHANGED_UNDER_THE_HAND: &str = "SET statement_timeout = '60s'; DO $$ BEGIN
    PERFORM 1 FROM accounts FOR UPDATE;
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN EXISTS (SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock');
    END LOOP;
    UPDATE accounts SET password_hash = 'another';
END $$";

const IS_HELD: &str = "SELECT count(*) FROM pg_locks
    WHERE relation = 'accounts'::regclass AND mode = 'RowShareLock'";

#[test]
fn a_sign_in_during_a_password_change_waits_and_is_refused() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let site = TestSite::with_staff(Database::Postgres, &["Mina"], &[]);
    thread::scope(|scope| {
        scope.spawn(|| site.database.sql(CHANGED_UNDER_THE_HAND));
        until("the account is held", || site.database.sql(IS_HELD).trim() != "0");
        site.submit("/login", &STAFF).assert_status(422).assert_no_header("set-cookie");
    });
}

#[test]
fn going_back_after_sign_out_shows_no_staff_page() {
    let Some(browser) = Browser::open(Screen::Desktop) else { return };
    let site = TestSite::with_staff(Database::Sqlite, &["Mina"], &[]);
    browser.goes_to(&format!("{}/login", site.address()));
    browser.types("input[name=name]", "Mina");
    browser.types("input[name=password]", PASSWORD);
    browser.follows("form.card button");
    assert_eq!(browser.path(), "/staff");
    browser.goes_to(&site.address());
    assert!(browser.text().contains("Mina"), "{}", browser.text());
    browser.follows("form.account button");
    assert!(browser.text().contains("You are signed out."), "{}", browser.text());
    browser.goes_back();
    assert!(!browser.text().contains("Mina"), "{}", browser.text());
}
