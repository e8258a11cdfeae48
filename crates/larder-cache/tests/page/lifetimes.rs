//! A response's freshness lifetime is parsed strictly; in doubt the response is not stored.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HttpDate};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};
use larder_cache::page::{self, Rules};
use larder_cache::{Builder, InProcess, Policy};

use super::reply::Reply;
use super::site::{Plan, Site};

/// Opens a site whose handler sends these header lines.
fn says(rules: Rules, lines: &[(&str, String)]) -> Site {
    let lines: Vec<_> = lines.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    Plan::of(rules)
        .replies(move |_| lines.iter().fold(Reply::ok("page"), |reply, (n, v)| reply.with(n, v)))
        .open()
}

/// Returns the time that is `seconds` from now, as an HTTP date.
fn at(seconds: i64) -> String {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    HttpDate::from(if seconds < 0 { now - distance } else { now + distance }).to_string()
}

#[track_caller]
fn check(rules: &Rules, cases: &[(&[(&str, &str)], bool)]) {
    for (lines, is_kept) in cases {
        let lines: Vec<_> = lines.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        let site = says(rules.clone(), &lines);
        let made = site.get("/");
        assert_eq!(made.is_stored(), *is_kept, "{lines:?}: {made:?}");
        assert_eq!(site.get("/").is_hit(), *is_kept, "{lines:?}");
    }
}

#[test]
fn only_responses_with_explicit_freshness_are_stored() {
    let (cc, age) = ("Cache-Control", "Age");
    check(
        &Rules::respecting(),
        &[
            (&[], false),
            (&[("Last-Modified", "Fri, 01 Jan 2010 00:00:00 GMT")], false),
            (&[(cc, "max-age=60")], true),
            (&[(cc, "MAX-AGE=60")], true),
            (&[(cc, "max-age=\"60\"")], true),
            (&[(cc, "max-age=99999999999999999999")], true),
            (&[(cc, "max-age=0")], false),
            (&[(cc, "max-age=-1")], false),
            (&[(cc, "max-age=60.5")], false),
            (&[(cc, "max-age='60'")], false),
            (&[(cc, "max-age = 60")], false),
            (&[(cc, "max-age=60, max-age=0")], false),
            (&[(cc, "max-age=60"), (cc, "max-age=0")], false),
            (&[(cc, "max-age=0, s-maxage=60")], true),
            (&[(cc, "max-age=60, s-maxage=0")], false),
            (&[(cc, "max-age=60"), (cc, "no-store")], false),
            (&[(cc, "max-age=60, x=\"no-store\"")], true),
            (&[(cc, "x=\"a, max-age=60\"")], false),
            (&[(cc, "max-age=60, x=\"open")], false),
            (&[(cc, "max-age=60, private=\"x\"")], false),
            (&[(cc, "max-age=60, no-cache=\"x\"")], false),
            (&[(cc, "max-age=60, NO-STORE")], false),
            (&[(cc, "max-age=60, unknown, other=1")], true),
            (&[(cc, "max-age=60"), (age, "59")], true),
            (&[(cc, "max-age=60"), (age, "60")], false),
            (&[(cc, "max-age=60"), (age, "99999999999999999999")], false),
            (&[(cc, "max-age=60"), (age, "7, 70")], true),
            (&[(cc, "max-age=60"), (age, "70, 7")], false),
            (&[(cc, "max-age=60"), (age, "0"), (age, "70")], true),
            (&[(cc, "max-age=60"), ("Vary", "Accept, *")], false),
            (&[(cc, "max-age=60"), ("Vary", "Accept"), ("Vary", " * ")], false),
            (&[(cc, "max-age=60"), ("Vary", "a b")], false),
            (&[(cc, "max-age=60"), ("Content-Range", "bytes 0-3/4")], true),
            (&[(cc, "max-age=60, must-understand, no-store")], true),
            (&[(cc, "max-age=60, no-store")], false),
            (&[("Pragma", "no-cache"), (cc, "max-age=60")], true),
        ],
    );
}

#[test]
fn a_valid_expires_counts_from_date() {
    let (soon, later, past) = (at(30), at(60), at(-60));
    let zone = later.replace("GMT", "UTC");
    let lower = later.to_ascii_lowercase();
    let day = format!("Xxx{}", &later[3..]);
    let wrong = format!("{}{}", if later.starts_with("Sun") { "Mon" } else { "Sun" }, &later[3..]);
    check(
        &Rules::respecting(),
        &[
            (&[("Expires", &later)], true),
            (&[("Expires", &lower)], true),
            (&[("Expires", "0")], false),
            (&[("Expires", &zone)], false),
            (&[("Expires", &day)], false),
            (&[("Expires", &wrong)], true),
            (&[("Expires", &past)], false),
            (&[("Expires", &later), ("Expires", &soon)], false),
            (&[("Expires", &later), ("Date", &later)], false),
            (&[("Expires", &later), ("Cache-Control", "max-age=0")], false),
            (&[("Expires", &past), ("Cache-Control", "max-age=60")], true),
            // Created a minute ago, with a lifetime of a minute and a half.
            (&[("Expires", &soon), ("Date", &past)], true),
            (&[("Cache-Control", "max-age=60"), ("Date", &past)], false),
            (&[("Cache-Control", "max-age=90"), ("Date", &past)], true),
        ],
    );
    let site = says(Rules::respecting(), &[("Expires", at(60))]);
    let expires = site.get("/").header("expires").unwrap().to_owned();
    assert_eq!(site.get("/").header("expires"), Some(expires.as_str()), "it is kept as it was");
}

#[test]
fn age_and_date_are_those_of_the_stored_page() {
    let date = at(-20);
    let site = says(
        Rules::respecting(),
        &[("Cache-Control", "max-age=90".into()), ("Date", date.clone())],
    );
    site.get("/");
    let hit = site.get("/");
    assert_eq!(hit.header("date"), Some(date.as_str()));
    assert!((20..25).contains(&hit.age().unwrap()), "{hit:?}");
    assert_eq!((hit.all("age").count(), hit.all("date").count()), (1, 1));
    let site =
        says(Rules::respecting(), &[("Cache-Control", "max-age=90".into()), ("Age", "30".into())]);
    assert_eq!(site.get("/").age(), Some(30), "an upstream has made it");
    let hit = site.get("/");
    assert!((30..35).contains(&hit.age().unwrap()), "{hit:?}");
    let site = says(Rules::respecting(), &[("Cache-Control", "max-age=90".into())]);
    let made = site.get("/");
    let hit = site.get("/");
    assert!(made.header("date").is_some() && made.header("date") == hit.header("date"));
    assert!(hit.age().unwrap() < 5);
}

#[test]
fn only_hop_by_hop_headers_are_left_out() {
    let lines = [
        "Connection: X-Hop, close",
        "X-Hop: 1",
        "Keep-Alive: 5",
        "X-Kept: 1",
        "Proxy-Authenticate: x",
    ];
    let mut lines: Vec<_> = lines
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(n, v)| (n, v.to_owned()))
        .collect();
    lines.push(("Cache-Control", "max-age=60".into()));
    let site = says(Rules::respecting(), &lines);
    site.get("/");
    let hit = site.get("/");
    assert!(hit.is_hit() && hit.header("x-kept").is_some(), "{hit:?}");
    for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(hit.header(name), None);
    }
}

/// Attack 52 of `docs/HTTP-CACHE.md`.
#[test]
fn a_valid_targeted_field_replaces_cache_control() {
    let (cc, cdn) = ("Cache-Control", "CDN-Cache-Control");
    let rules = Rules::respecting().targets(&[
        HeaderName::from_static("larder-cache-control"),
        HeaderName::from_static("cdn-cache-control"),
    ]);
    let own = "Larder-Cache-Control";
    check(
        &rules,
        &[
            (&[(cdn, "max-age=60")], true),
            (&[(cdn, "max-age=60"), (cc, "no-store")], true),
            (&[(cdn, "no-store"), (cc, "max-age=60")], false),
            (&[(cdn, "no-store=?0, max-age=60")], true),
            (&[(cdn, "max-age=\"60\""), (cc, "no-store")], false),
            (&[(cdn, "max-age=60, &&"), (cc, "no-store")], false),
            (&[(cdn, "MaX-AgE=60"), (cc, "max-age=60")], true),
            (&[(cdn, "MaX-AgE=60"), (cc, "no-store")], false),
            (&[(cdn, "max-age=60, &&"), (cc, "max-age=60")], true),
            (&[(cdn, ""), (cc, "max-age=60")], true),
            (&[(cdn, "max-age=60.5"), (cc, "max-age=60")], true),
            (&[(cdn, "max-age=0"), (cdn, "max-age=60")], true),
            (&[(own, "no-store"), (cdn, "max-age=60")], false),
            (&[(own, "max-age=60"), (cdn, "no-store")], true),
        ],
    );
    check(
        &Rules::respecting(),
        &[(&[(cdn, "no-store"), (cc, "max-age=60")], true), (&[(cdn, "max-age=60")], false)],
    );
}

#[test]
fn the_rules_decide_on_lifetimes_and_statuses() {
    const MINUTE: Duration = Duration::from_secs(60);
    let default = Rules::respecting().default_lifetime(MINUTE);
    check(
        &default,
        &[
            (&[], true),
            (&[("Cache-Control", "max-age=0")], false),
            (&[("Cache-Control", "no-store")], false),
            (&[("Expires", "0")], false),
        ],
    );
    let shared = Rules::shared(Policy::fresh_for(MINUTE));
    check(
        &shared,
        &[
            (&[], true),
            (&[("Cache-Control", "max-age=0")], true),
            (&[("Cache-Control", "private")], false),
            (&[("Cache-Control", "no-store")], false),
            (&[("Age", "999999")], true),
        ],
    );
    let site = Plan::of(Rules::respecting().statuses(&[404]))
        .replies(|asked| Reply::fresh("").status(asked.query.parse().unwrap()))
        .open();
    assert!(site.get("/?404").is_stored() && !site.get("/?200").is_stored());
    let site = says(shared, &[]);
    for _ in 0..2 {
        assert_eq!(site.get("/").header("cache-control"), Some("private, no-cache"));
    }
}

/// The example of RFC 5861 §3.1, 0.4 s after the end of its lifetime.
#[actix_web::test]
async fn jitter_shortens_no_window_for_stale_pages() {
    tokio::time::pause();
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    let handler = || async {
        let said = "max-age=600, stale-while-revalidate=30";
        HttpResponse::Ok().insert_header((CACHE_CONTROL, said)).body("page")
    };
    let resource = web::resource("/{nth}").wrap(page::cached(Rules::respecting()));
    let app = init_service(App::new().app_data(cache).service(resource.get(handler))).await;
    let ask = async |nth: u32| {
        let request = TestRequest::get().uri(&format!("/{nth}")).to_request();
        let answer = call_service(&app, request).await;
        answer.headers().get("cache-status").unwrap().to_str().unwrap().to_owned()
    };
    for nth in 0..40 {
        assert!(ask(nth).await.ends_with("; stored"));
    }
    tokio::time::advance(Duration::from_millis(600_400)).await;
    for nth in 0..40 {
        assert_eq!(ask(nth).await, r#"larder-cache; hit; ttl=0; detail="stale-while-revalidate""#);
    }
}
