//! Password changes end tokens and sessions; over TLS the session cookie is bound to its host.

use crate::support::{Database, PASSWORD, Page, TestSite, account, on_both_databases};

on_both_databases! {
    a_password_change_ends_all_tokens,
    other_cookies_of_any_bytes_end_no_session,
    over_tls_the_session_cookie_is_bound_to_its_host;
    by_hand:
    a_password_change_in_sql_ends_tokens_and_sessions,
    a_new_account_under_an_old_id_has_no_access_of_the_old_one,
}

const STAFF: [(&str, &str); 2] = [("name", "Mina"), ("password", PASSWORD)];

/// Returns the session's cookie as `name=value`; the name may have the prefix `__Host-`.
#[track_caller]
fn cookie_of(page: &Page) -> String {
    let session = page.lines_of("set-cookie").find(|line| line.contains("larder-session="));
    session.expect("a session").split(';').next().unwrap().to_owned()
}

fn is_taken(site: &TestSite, token: &str) -> bool {
    let bearer = format!("Bearer {}", token.trim());
    site.ask("GET", "/cache/stats").header("Authorization", &bearer).send().status == 200
}

fn is_in(site: &TestSite, cookie: &str) -> bool {
    site.ask("GET", "/staff").header("Cookie", cookie).send().status == 200
}

fn a_password_change_ends_all_tokens(on: Database) {
    let site = TestSite::with_staff(on, &["Mina", "Otto"], &[]);
    let other = site.another_instance_with(&["--access", "staff"]);
    let both = |token: &str| [&site, &other].map(|instance| is_taken(instance, token));
    let others = account(&site.database, &["token", "Otto"], "");

    // Changed in the form.
    let tokens = [(); 2].map(|()| account(&site.database, &["token", "Mina"], ""));
    assert!(tokens.iter().all(|token| both(token) == [true, true]));
    let cookie = cookie_of(&site.submit("/login", &STAFF));
    let fields = [("old", PASSWORD), ("new", "coffee and cake"), ("again", "coffee and cake")];
    let change = site.ask("POST", "/staff/password").header("Cookie", &cookie).form(&fields).send();
    change.assert_sends_to("/staff");
    assert!(tokens.iter().all(|token| both(token) == [false, false]));

    // Changed on the command line, which reports how many tokens ended.
    let token = account(&site.database, &["token", "Mina"], "");
    assert_eq!(both(&token), [true, true]);
    let said = account(&site.database, &["password", "mina"], PASSWORD);
    assert!(said.contains("tokens revoked: 1"), "{said}");
    assert_eq!(both(&token), [false, false]);

    assert_eq!(both(&others), [true, true], "those of others go on");
}

fn a_password_change_in_sql_ends_tokens_and_sessions(on: Database) {
    let site = TestSite::with_staff(on, &["Mina", "Otto"], &[]);
    let token = account(&site.database, &["token", "Mina"], "");
    let others = account(&site.database, &["token", "Otto"], "");
    let cookie = cookie_of(&site.submit("/login", &STAFF));
    site.database.sql("UPDATE accounts SET password_hash = password_hash");
    assert!(is_taken(&site, &token) && is_in(&site, &cookie), "it is the same password");
    site.database.sql(
        "UPDATE accounts SET password_hash =
           (SELECT password_hash FROM accounts WHERE name = 'Otto') WHERE name = 'Mina'",
    );
    assert!(!is_taken(&site, &token) && !is_in(&site, &cookie));
    assert!(is_taken(&site, &others));
}

fn a_new_account_under_an_old_id_has_no_access_of_the_old_one(on: Database) {
    let site = TestSite::with_staff(on, &["Mina", "Otto"], &[]);
    let token = account(&site.database, &["token", "Mina"], "");
    let others = account(&site.database, &["token", "Otto"], "");
    let cookie = cookie_of(&site.submit("/login", &STAFF));
    assert!(is_taken(&site, &token) && is_in(&site, &cookie));
    match on {
        Database::Sqlite => site.database.sql(
            "REPLACE INTO accounts SELECT id, name, folded_name, \
               (SELECT password_hash FROM accounts WHERE name = 'Otto'), created_at \
             FROM accounts WHERE name = 'Mina'",
        ),
        Database::Postgres => site.database.sql_as_administrator(
            "BEGIN; SET LOCAL session_replication_role = replica; \
             CREATE TEMPORARY TABLE old AS SELECT * FROM accounts WHERE name = 'Mina'; \
             DELETE FROM accounts WHERE name = 'Mina'; \
             INSERT INTO accounts OVERRIDING SYSTEM VALUE SELECT * FROM old; COMMIT",
        ),
    };
    assert!(!is_taken(&site, &token) && !is_in(&site, &cookie));
    assert!(is_taken(&site, &others));
    // So has one that is moved to the old ID.
    site.database.sql("UPDATE accounts SET id = 99 WHERE name = 'Mina'");
    match on {
        Database::Sqlite => {
            site.database.sql("UPDATE OR REPLACE accounts SET id = 2 WHERE id = 99")
        }
        Database::Postgres => site.database.sql_as_administrator(
            "BEGIN; SET LOCAL session_replication_role = replica; \
             DELETE FROM accounts WHERE id = 2; UPDATE accounts SET id = 2 WHERE id = 99; COMMIT",
        ),
    };
    assert!(!is_taken(&site, &others));
}

fn other_cookies_of_any_bytes_end_no_session(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let cookie = cookie_of(&site.submit("/login", &STAFF));
    assert!(is_in(&site, &format!("name=Jos\u{e9}; {cookie}")));
}

fn over_tls_the_session_cookie_is_bound_to_its_host(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let asks = |path: &str, cookie: &str, scheme: &str| {
        let ask = site.ask("GET", path).header("Cookie", cookie);
        ask.header("X-Forwarded-Proto", scheme).send()
    };
    let signs_in = |scheme: &str| {
        let origin = format!("{scheme}://127.0.0.1:{}", site.port());
        let ask = site.ask("POST", "/login").form(&STAFF).header("Origin", &origin);
        ask.header("X-Forwarded-Proto", scheme).send()
    };
    let over_tls = signs_in("https");
    let line = over_tls.lines_of("set-cookie").next().unwrap().to_owned();
    assert!(line.starts_with("__Host-larder-session="), "{line}");
    for word in ["; Secure", "; HttpOnly", "; Path=/", "; SameSite=Lax"] {
        assert!(line.contains(word), "{line}");
    }
    assert!(!line.contains("Domain"), "{line}");
    let (secure, plain) = (cookie_of(&over_tls), cookie_of(&signs_in("http")));
    assert!(plain.starts_with("larder-session="), "{plain}");

    // A session cookie counts for its scheme only: one set over http opens no session over https.
    let renamed = |cookie: &str| match cookie.strip_prefix("__Host-") {
        Some(plain) => plain.to_owned(),
        None => format!("__Host-{cookie}"),
    };
    let cases = [
        (&secure, "https", true),
        (&plain, "http", true),
        (&plain, "https", false),
        (&secure, "http", false),
        (&renamed(&secure), "https", false),
        (&renamed(&plain), "http", false),
        (&format!("{plain}; {secure}"), "https", true),
        (&format!("{plain}; __Host-larder-session=x"), "https", false),
    ];
    for (cookie, scheme, expected) in cases {
        let page = asks("/staff", cookie, scheme);
        assert_eq!(page.status == 200, expected, "{cookie} over {scheme}");
        // The page of a session is never stored; a cookie that counts for nothing does not change
        // the page.
        let home = asks("/", cookie, scheme);
        assert_eq!(home.text().contains("Sign out"), expected, "{cookie} over {scheme}");
        assert_eq!(home.header("cache-control").as_deref() == Some("no-store"), expected);
    }
    site.get("/").assert_sees_not("Mina");

    let out = site.ask("POST", "/logout").header("Cookie", &secure).form(&[]);
    let out = out.header("X-Forwarded-Proto", "https").send();
    let ended = out.lines_of("set-cookie").find(|line| line.contains("larder-session=")).unwrap();
    assert!(ended.starts_with("__Host-larder-session=;") && ended.contains("Max-Age=0"), "{ended}");
    assert_eq!(asks("/staff", &secure, "https").status, 303);
}
