//! In a shop with staff, only staff and their programs see the names and addresses of guests.

use crate::events::{event, guest};
use crate::support::{Database, PASSWORD, Page, TestSite, account, on_both_databases};

on_both_databases! {
    guests_are_for_staff_and_their_programs,
    staff_share_pages_in_which_their_names_are_filled_in,
    an_open_shop_shows_its_guests,
}

const ADDRESSES: [&str; 6] = [
    "/api/guests",
    "/api/guests?event=1",
    "/api/guests?limit=1&offset=0",
    "/api/guests/1",
    "/api/guests/99",
    "/api/guests/x",
];

#[track_caller]
fn assert_tells_nothing(page: &Page) -> &Page {
    for secret in ["Berenike", "berenike", "example.org"] {
        assert!(!page.html().contains(secret), "{}: {}", page.asked, page.excerpt());
    }
    page
}

/// One page is stored for all staff, and one for all other visitors.
fn staff_share_pages_in_which_their_names_are_filled_in(on: Database) {
    const NAMES: [&str; 2] = ["Berenike", "Dorothea"];
    let site = TestSite::with_staff(on, &NAMES, &[]);
    let [mut berenike, mut dorothea] = NAMES.map(|name| {
        let mut visitor = site.visitor();
        visitor.submit("/login", &[("name", name), ("password", PASSWORD)]).assert_sees(name);
        visitor
    });
    let tea = [("title", "Tea"), ("price", "4.99")];
    // The sentence after a write is put into the page that all share.
    let home = berenike.submit("/products", &tea);
    home.assert_sees("Added “Tea”.").assert_sees("Berenike").assert_cache("stored");
    let tea = format!("/products/{}", home.listed()[0]);
    let pages = [
        ("/", "New product"),
        (tea.as_str(), "Edit"),
        ("/cookbook", "New recipe"),
        ("/api", "Sign out"),
    ];
    for (path, link) in pages {
        berenike.get(path);
        for (visitor, own, other) in
            [(&mut dorothea, NAMES[1], NAMES[0]), (&mut berenike, NAMES[0], NAMES[1])]
        {
            let page = visitor.get(path);
            page.assert_cache("hit").assert_sees(own).assert_sees_not(other).assert_sees(link);
            page.assert_sees("Sign out").assert_sees_not("Added “Tea”.");
            page.assert_header("cache-control", "no-store").assert_no_header("etag");
        }
        let plain = site.get(path);
        plain.assert_sees_not("Sign out").assert_sees_not(link).assert_cache("stored");
        assert!(plain.header("etag").is_some() && site.get(path).html() == plain.html());
        for name in NAMES {
            plain.assert_sees_not(name);
        }
        // A request that claims to be by staff gets the page of strangers.
        let forged = site.ask("GET", path).header("Keyed-Staff", "yes");
        let forged = forged.header("Cookie", "larder-session=x").send();
        assert_eq!(forged.assert_cache("hit").html(), plain.html());
        let cookie = |(name, value): (&String, &String)| format!("{name}={value}");
        let cookies: Vec<_> = dorothea.cookies().iter().map(cookie).collect();
        let coded = site.ask("GET", path).header("Cookie", &cookies.join("; "));
        let coded = coded.header("Accept-Encoding", "gzip, br").send();
        coded.assert_cache("hit").assert_header("content-encoding", "gzip");
        coded.assert_header("cache-control", "no-store").assert_no_header("etag");
        assert!(coded.body.len() < plain.body.len(), "{path}: {}", coded.body.len());
    }
    // Also where the handler of a shared page fails.
    let lost = dorothea.get("/products/4711");
    lost.assert_status(404).assert_sees("Dorothea").assert_sees("Sign out");
}

fn guests_are_for_staff_and_their_programs(on: Database) {
    let site = TestSite::with_staff(on, &["Mina"], &[]);
    let token = account(&site.database, &["token", "Mina"], "");
    let bearer = format!("Bearer {}", token.trim());
    let by_program = |method: &str, path: &str, body: &str| {
        let ask = site.ask(method, path).header("Authorization", &bearer);
        if body.is_empty() {
            return ask.send();
        }
        ask.header("Content-Type", "application/json").body(body).send()
    };
    by_program("POST", "/api/events", &event("Teas", "9999-12-24").to_string()).assert_status(201);
    let berenike = guest(1, "Berenike").to_string().replace("Mina+tea", "berenike");
    let added = by_program("POST", "/api/guests", &berenike);
    added.assert_status(201).assert_header("cache-control", "no-store");

    let cookie = {
        let fields = [("name", "Mina"), ("password", PASSWORD)];
        let line = site.submit("/login", &fields).header("set-cookie").unwrap();
        line.split(';').next().unwrap().to_owned()
    };
    // Before and after staff have read the guests, and with any headers of a stranger.
    for _ in 0..2 {
        let odd = [
            ("Accept", "text/html"),
            ("Cookie", "larder-session=x"),
            ("Authorization", "Bearer x"),
            ("Cache-Control", "only-if-cached"),
        ];
        for path in ADDRESSES {
            for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
                let page = site.ask(method, path).body("").send();
                page.assert_problem(401);
                page.assert_header("www-authenticate", "Bearer");
                assert_tells_nothing(&page);
            }
            site.get(path).assert_header("cache-control", "no-store");
            site.head(path).assert_status(401);
            for (name, value) in odd {
                let page = site.ask("GET", path).header(name, value).send();
                assert_tells_nothing(&page).assert_problem(401);
            }
        }
        let session = |path: &str| site.ask("GET", path).header("Cookie", &cookie).send();
        for path in &ADDRESSES[..4] {
            for page in [by_program("GET", path, ""), by_program("GET", path, ""), session(path)] {
                page.assert_status(200).assert_sees("Berenike").assert_sees("berenike@");
                page.assert_header("cache-control", "no-store");
                let status = page.header("cache-status").unwrap_or_default();
                assert!(!status.contains("hit") && !status.contains("stored"), "{path}: {status}");
            }
        }
        by_program("GET", "/api/guests/99", "").assert_problem(404);
    }

    // Other pages show the number of guests and nothing more.
    site.get("/events").assert_status(200).assert_sees("1 guest");
    let paths = [
        "/",
        "/events",
        "/events?page=1",
        "/api",
        "/api/events",
        "/api/events/1",
        "/api/openapi.json",
        "/staff",
        "/staff?q=Berenike",
        "/events/guests/1/edit",
        "/events/guests/1/delete",
        "/events/1/edit",
        "/events/1/delete",
        "/?q=Berenike",
        "/api/events?q=Berenike",
        "/cache",
        "/cache/keys",
        "/cache/key?key=events.guests",
        "/toolbar/requests",
        "/metrics",
        "/health/ready",
        "/api/guests.csv",
        "/guests",
    ];
    for path in paths {
        // The page repeats the search text but has no result.
        let page = site.get(path);
        assert!(!page.html().contains("example.org"), "{path}: {}", page.excerpt());
        assert!(path.contains("Berenike") || !page.html().contains("Berenike"), "{path}");
    }
    let document = site.get("/api/openapi.json").json();
    for path in ["/api/guests", "/api/guests/{id}"] {
        let read = &document["paths"][path]["get"];
        assert!(read["responses"]["401"].is_object() && read["security"].is_array(), "{path}");
    }
    account(&site.database, &["token", "Mina", "--revoke"], "");
    by_program("GET", "/api/guests", "").assert_problem(401);
}

fn an_open_shop_shows_its_guests(on: Database) {
    let site = TestSite::start(on);
    let body = event("Teas", "9999-12-24").to_string();
    let add = |path: &str, body: String| {
        site.ask("POST", path).header("Content-Type", "application/json").body(body).send()
    };
    add("/api/events", body).assert_status(201);
    add("/api/guests", guest(1, "Berenike").to_string()).assert_status(201);
    site.get("/api/guests").assert_status(200).assert_sees("Berenike").assert_cache("stored");
    site.get("/api/guests").assert_cache("hit");
}
