//! A session that ends while its owner types loses nothing; a session that is used goes on.

use crate::support::{
    Database, PASSWORD, Page, Program, TestSite, account, larder, on_both_databases, until,
};

on_both_databases! {
    a_form_sent_after_the_session_ended_is_done_after_the_sign_in,
    a_form_that_is_invalid_comes_back_filled,
    a_wrong_password_keeps_the_form,
    any_instance_does_the_form,
    only_what_the_shop_was_sent_is_done,
    no_password_is_carried,
    a_form_about_a_key_of_the_cache_is_carried,
    a_form_that_is_not_carried_says_so,
    a_form_is_carried_after_the_secret_was_rotated,
    the_log_has_the_paths_that_were_received,
    programs_are_refused_as_before;
    by_hand:
    a_session_slides_while_it_is_used,
    no_session_lasts_longer_than_ninety_days,
}

const TEA: [(&str, &str); 2] = [("title", "Grüner Tee & <Co>"), ("price", "4")];

fn shop(on: Database) -> TestSite {
    TestSite::with_staff(on, &["Mina"], &[])
}

/// Sends a form without a session; returns the fields of the sign-in form that carries it.
#[track_caller]
fn interrupted(site: &TestSite, path: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let page = site.submit(path, fields);
    page.assert_status(403).assert_is_in_the_shops_dress().assert_sees("session has ended");
    page.assert_header("cache-control", "no-store");
    let mut form = page.form("/login/resume");
    form.fill("name", "Mina");
    form.fill("password", PASSWORD);
    form.fields
}

#[track_caller]
fn resumes(site: &TestSite, fields: &[(String, String)]) -> Page {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    site.submit("/login/resume", &fields)
}

fn set(fields: &mut [(String, String)], name: &str, value: &str) {
    fields.iter_mut().find(|(known, _)| known == name).unwrap().1 = value.to_owned();
}

fn session_of(page: &Page) -> Option<String> {
    let line = page.lines_of("set-cookie").find(|line| line.starts_with("larder-session="))?;
    Some(line.split(';').next().unwrap().to_owned())
}

fn a_form_sent_after_the_session_ended_is_done_after_the_sign_in(on: Database) {
    let site = shop(on);
    let fields = interrupted(&site, "/products?back=%2F%3Fq%3Dtee", &TEA);
    assert!(site.get("/").text().contains("0 products"), "nothing is done before the sign-in");
    let done = resumes(&site, &fields);
    done.assert_sends_to("/?q=tee").assert_header("cache-control", "no-store");
    let cookie = session_of(&done).expect("a session");
    site.get("/").assert_sees("Grüner Tee & <Co>").assert_sees("$4.00");
    let staff = site.ask("GET", "/staff").header("Cookie", &cookie).send();
    staff.assert_status(200).assert_sees("Mina");

    // The end of a session is the end of its cookie's use, too.
    account(&site.database, &["password", "mina"], PASSWORD);
    let write = site.ask("POST", "/products").header("Cookie", &cookie).form(&TEA).send();
    write.assert_status(403).form("/login/resume");
}

fn a_form_that_is_invalid_comes_back_filled(on: Database) {
    let site = shop(on);
    let fields = interrupted(&site, "/products", &[("title", "Tea"), ("price", "a lot")]);
    let page = resumes(&site, &fields);
    page.assert_status(422).assert_sees("Enter the price in digits");
    assert!(session_of(&page).is_some());
    assert_eq!(page.form("/products").field("title"), Some("Tea"));
}

fn a_wrong_password_keeps_the_form(on: Database) {
    let site = shop(on);
    let mut fields = interrupted(&site, "/products", &TEA);
    set(&mut fields, "password", "wrong pass");
    let again = resumes(&site, &fields);
    again.assert_status(422).assert_sees("Wrong name or password.").assert_sees("nothing is lost");
    assert!(session_of(&again).is_none() && !again.html().contains("wrong pass"));
    let mut form = again.form("/login/resume");
    form.fill("password", PASSWORD);
    resumes(&site, &form.fields).assert_sends_to("/");
    // Another site can neither sign a visitor in nor have a form done.
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let foreign = site.ask("POST", "/login/resume").form(&fields);
    let foreign = foreign.header("Sec-Fetch-Site", "cross-site").send();
    foreign.assert_status(403).assert_no_header("set-cookie");
    site.get("/").assert_sees("1 product");
}

fn any_instance_does_the_form(on: Database) {
    let site = shop(on);
    let other = site.another_instance_with(&["--access", "staff"]);
    let long = "x".repeat(20_000);
    let recipe = [("name", "Soup"), ("instructions", long.as_str())];
    let fields = interrupted(&site, "/cookbook", &recipe);
    resumes(&other, &fields).assert_sends_to("/cookbook/1");
    // A body of the size that forms may have is carried whole.
    let long = "x".repeat(60 * 1024);
    let fields = interrupted(&site, "/cookbook", &[("name", "Soup"), ("instructions", &long)]);
    let page = resumes(&other, &fields);
    page.assert_status(422);
    assert_eq!(page.form("/cookbook").field("instructions"), Some(&*long));
    let long = "x".repeat(70 * 1024);
    site.submit("/cookbook", &[("name", &long)]).assert_status(413);
}

fn only_what_the_shop_was_sent_is_done(on: Database) {
    let site = shop(on);
    let fields = interrupted(&site, "/products", &TEA);
    let (_, sealed) = fields.iter().find(|(name, _)| name == "carried").unwrap();
    let (front, _) = sealed.rsplit_once('.').unwrap();
    for forged in ["", "1.2.3", &format!("{front}.L3Byb2R1Y3RzCnRpdGxlPXg"), &sealed[1..]] {
        let mut fields = fields.clone();
        set(&mut fields, "carried", forged);
        resumes(&site, &fields).assert_status(400).assert_no_header("set-cookie");
    }
    // The addresses within the program are none of the site's.
    site.submit("/login/interrupted", &TEA).assert_status(403);
    site.get("/login/interrupted").assert_status(405);
    site.get("/").assert_sees("0 products");
}

fn no_password_is_carried(on: Database) {
    let site = shop(on);
    let fields = [("old", PASSWORD), ("new", "coffee and cake"), ("again", "coffee and cake")];
    let page = site.submit("/staff/password", &fields);
    page.assert_status(403);
    assert_eq!(page.form("/login").field("next"), Some("/staff/password"));
    assert!(!page.html().contains("coffee"), "{}", page.html());
}

fn a_form_about_a_key_of_the_cache_is_carried(on: Database) {
    let site = shop(on);
    let fields = interrupted(&site, "/cache/key", &[("key", "motd"), ("value", "Fresh bread")]);
    let done = resumes(&site, &fields);
    assert_eq!(done.status, 204, "{}", done.excerpt());
    let cookie = session_of(&done).expect("a session");
    let keys = site.ask("GET", "/cache?like=motd").header("Cookie", &cookie).send();
    keys.assert_status(200).assert_sees("motd");
}

fn a_form_that_is_not_carried_says_so(on: Database) {
    let site = shop(on);
    let long = "x".repeat(60 * 1024);
    let far = format!("/products?back=/{long}");
    let cases = [
        ("/products", "title=T&price=1&p%61ssword=almond".to_owned(), "may hold a secret"),
        ("/cache/key", "key=api_token&value=almond".to_owned(), "may hold a secret"),
        ("/staff/passwor%64", "old=almond&new=almond".to_owned(), "Passwords are not kept"),
        (far.as_str(), format!("title={long}"), "too long to be kept"),
    ];
    for (path, body, sentence) in cases {
        let request = site.ask("POST", path).header("Sec-Fetch-Site", "same-origin");
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let page = request.body(body).send();
        page.assert_status(403).assert_sees("session has ended").assert_sees(sentence);
        let form = page.form("/login");
        assert_eq!(form.field("carried"), None);
        assert!(!page.html().contains("almond"), "{}", page.html());
    }
    // As long as both may be.
    let path = format!("/cookbook?back=/{}", "x".repeat(3_000));
    let fields = interrupted(&site, &path, &[("name", "Soup"), ("instructions", &long)]);
    resumes(&site, &fields).assert_status(422);
}

fn a_form_is_carried_after_the_secret_was_rotated(on: Database) {
    let site = shop(on);
    let rotate = larder(&["secret", "rotate", "--database", &site.database.url()]);
    assert!(Program::start(rotate).ends().status.success());
    let fields = interrupted(&site, "/products", &TEA);
    resumes(&site, &fields).assert_sends_to("/");
}

fn the_log_has_the_paths_that_were_received(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &["--log", "json"]);
    let fields = interrupted(&site, "/products", &TEA);
    resumes(&site, &fields).assert_sends_to("/");
    site.wait_for_log(r#""path":"/login/resume","status":303"#);
    let log = site.log();
    assert!(log.contains(r#""path":"/products","status":403"#), "{log}");
    assert!(!log.contains("interrupted"), "{log}");
}

fn programs_are_refused_as_before(on: Database) {
    let site = shop(on);
    site.ask("POST", "/api/events").body("{}").send().assert_status(401);
    site.ask("POST", "/products").body("title=Tea").send().assert_status(403);
}

const DAYS_LEFT: [(&str, &str); 2] = [
    (
        "sqlite",
        "SELECT CAST(julianday(expires_at) - julianday('now') + 0.5 AS INTEGER) FROM sessions",
    ),
    (
        "postgres",
        "SELECT round(extract(epoch FROM expires_at - now() AT TIME ZONE 'utc') / 86400) FROM sessions",
    ),
];

fn days_left(site: &TestSite) -> i64 {
    let left = site.database.sql_of_each(DAYS_LEFT[0].1, DAYS_LEFT[1].1);
    left.trim().parse().unwrap_or_else(|error| panic!("{left}: {error}"))
}

fn moved(site: &TestSite, column: &str, days: i64) {
    site.database.sql_of_each(
        &format!(
            "UPDATE sessions SET {column} = strftime('%Y-%m-%d %H:%M:%f', 'now', '{days} days')"
        ),
        &format!(
            "UPDATE sessions SET {column} = now() AT TIME ZONE 'utc' + interval '{days} days'"
        ),
    );
}

#[track_caller]
fn signed_in(site: &TestSite) -> String {
    let answer = site.submit("/login", &[("name", "Mina"), ("password", PASSWORD)]);
    session_of(&answer).expect("a session")
}

fn a_session_slides_while_it_is_used(on: Database) {
    let site = shop(on);
    let cookie = signed_in(&site);
    let uses = || site.ask("GET", "/").header("Cookie", &cookie).send();
    uses().assert_sees("Mina").assert_no_header("set-cookie");
    moved(&site, "expires_at", 5);
    let page = uses();
    page.assert_sees("Mina");
    let set = page.header("set-cookie").expect("the cookie lasts longer, too");
    assert!(set.contains(&cookie) && set.contains("Max-Age=1209600"), "{set}");
    until("the session is extended", || days_left(&site) == 14);
    uses().assert_sees("Mina").assert_no_header("set-cookie");
    // One that has ended stays ended.
    moved(&site, "expires_at", -1);
    uses().assert_sees_not("Mina").assert_no_header("set-cookie");
    assert!(days_left(&site) < 1);
}

fn no_session_lasts_longer_than_ninety_days(on: Database) {
    let site = shop(on);
    let cookie = signed_in(&site);
    let uses = || site.ask("GET", "/").header("Cookie", &cookie).send();
    moved(&site, "created_at", -85);
    moved(&site, "expires_at", 2);
    uses().assert_sees("Mina");
    until("the session is extended", || days_left(&site) == 5);
    uses().assert_sees("Mina").assert_no_header("set-cookie");
}
