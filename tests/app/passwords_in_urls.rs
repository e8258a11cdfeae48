//! The database's password: it may contain any characters, and no output contains it.

use std::process::Command;
use std::sync::Arc;

use crate::support::{Database, Program, TestDatabase, TestSite, free_port, larder};

/// Pieces of the password in all of these.
const PIECES: [&str; 4] = ["sesame", "tahini", "sesam", "ahini"];

fn assert_tells_nothing(said: &str, given: &str) {
    for piece in PIECES {
        assert!(!said.contains(piece), "{given} is told: {said}");
    }
}

fn ends(command: Command) -> (Option<i32>, String) {
    let ended = Program::start(command).ends();
    (ended.status.code(), format!("{}{}", ended.out, ended.err))
}

#[test]
fn an_invalid_url_is_refused_without_showing_the_password() {
    let place = format!("127.0.0.1:{}/shop", free_port());
    let urls = [
        format!("postgres://ann:sesame?tahini@{place}"),
        format!("postgres://ann:sesame/tahini@{place}"),
        format!("postgres://ann:sesame#tahini@{place}"),
        format!("postgres://ann:sesame%tahini@{place}"),
        format!("postgres://ann:sesame%@{place}"),
        format!("postgres://ann:12/tahini@{place}"),
        "postgres://ann:sesame".to_owned(),
        "postgres://ann:sesame/shop".to_owned(),
        format!("postgres://{place}?password=sesame&tahini"),
        format!("postgres://{place}?password=sesame&tahini=x"),
        format!("postgres://{place}?passwort=sesame"),
        format!("postgres://{place}?sesame"),
        format!("postgress://ann:sesame@{place}"),
        format!("ann:sesame@{place}"),
        "host=127.0.0.1 user=ann password=sesame dbname=shop".to_owned(),
        "sesame".to_owned(),
    ];
    for url in &urls {
        let folder = tempfile::tempdir().unwrap();
        for arguments in [&["serve"][..], &["migrate"], &["account", "list"], &["load", "scores"]] {
            let mut by_flag = larder(arguments);
            by_flag.args(["--database", url]).current_dir(folder.path());
            let mut by_equals = larder(arguments);
            by_equals.arg(format!("--database={url}")).current_dir(folder.path());
            let mut by_setting = larder(arguments);
            by_setting.env("DATABASE_URL", url).current_dir(folder.path());
            for command in [by_flag, by_equals, by_setting] {
                let (code, said) = ends(command);
                assert!(code == Some(1) || code == Some(2), "{url} {arguments:?}: {said}");
                assert_tells_nothing(&said, url);
            }
        }
    }
    // Passwords in places where they do not belong.
    for arguments in [
        vec!["postgres://ann:sesame@db/shop"],
        vec!["serve", "postgres://ann:sesame@db/shop"],
        vec!["--databse", "postgres://ann:sesame@db/shop"],
        vec!["--databse=postgres://ann:sesame@db/shop"],
        vec!["--bind", "postgres://ann:sesame@db/shop"],
        vec!["serve", "--redis", "redis://:sesame tahini@db:x/1"],
    ] {
        let (code, said) = ends(larder(&arguments));
        assert!(code == Some(1) || code == Some(2), "{arguments:?}: {said}");
        assert_tells_nothing(&said, &arguments.join(" "));
    }
}

#[test]
fn an_unreachable_server_is_reported_without_the_password() {
    let port = free_port();
    let urls = [
        format!("postgres://ann:sesame%3Ftahini@127.0.0.1:{port}/shop"),
        format!("postgres://ann:sesame@tahini@127.0.0.1:{port}/shop"),
        format!("postgres://ann:sesame tahini@127.0.0.1:{port}/shop"),
        format!("postgres://ann:[sesame]:tahini@127.0.0.1:{port}/shop"),
        format!("postgres://ann@127.0.0.1:{port}/shop?password=sesame/tahini"),
    ];
    for url in &urls {
        let (code, said) = ends(larder(&["migrate", "--database", url]));
        assert!(code == Some(1) && said.contains("127.0.0.1"), "{said}");
        assert_tells_nothing(&said, url);
    }
}

#[test]
fn the_address_of_a_shop_is_shown_without_a_password() {
    let port = free_port();
    for address in [
        format!("http://ann:sesame/tahini@127.0.0.1:{port}/"),
        format!("http://ann:sesame?tahini#@127.0.0.1:{port}"),
        format!("http://ann:sesame@tahini@127.0.0.1:{port}"),
        format!("http://ann:sesame tahini@127.0.0.1:{port}"),
        format!("ann:sesame\\tahini@127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/?password=sesame,tahini"),
    ] {
        let by_flag = larder(&["cache", "stats", "--site", &address]);
        let mut by_setting = larder(&["cache", "stats"]);
        by_setting.env("LARDER_SITE", &address);
        for command in [by_flag, by_setting] {
            let (code, said) = ends(command);
            assert!(code.is_some_and(|code| code > 0), "{address}: {said}");
            assert_tells_nothing(&said, &address);
        }
    }
}

#[test]
fn a_password_of_any_characters_works_and_is_shown_nowhere() {
    if !Database::Postgres.is_here(false) {
        return;
    }
    let database = Arc::new(TestDatabase::create(Database::Postgres));
    for password in ["s%3Fs%40s%2F%23%25esame", "[sesame] ta@hi:ni", "sesame"] {
        let url = database.url().replacen('@', &format!(":{password}@"), 1);
        let flags = ["serve", "--no-samples", "--toolbar", "on", "--database", &url];
        let program = Program::start(larder(&flags));
        let site = TestSite::of(program, Arc::clone(&database));
        site.get("/").assert_status(200);
        let requests = site.get("/toolbar/requests?format=json").json();
        let id = requests[0]["id"].as_str().expect("an id").to_owned();
        let panels = site.get(&format!("/toolbar/requests/{id}"));
        panels.assert_status(200).assert_sees(":***@127.0.0.1");
        for said in [panels.html(), site.get("/health/ready").html(), site.log()] {
            assert_tells_nothing(&said, password);
            assert!(!said.contains("ta@hi") && !said.contains("%3Fs"), "{said}");
        }
    }
}
