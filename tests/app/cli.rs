//! The command line: starting, stopping, migrating, seeding.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    Bell, Database, Ended, Program, TestDatabase, TestSite, larder, on_both_databases,
};

on_both_databases! {
    an_empty_database_is_filled_with_samples_once,
    no_samples_leaves_the_database_empty,
    migrating_twice_is_harmless,
    seeding_adds_that_many_products,
    two_machines_seed_the_same_products,
    the_samples_look_like_a_grocers,
    two_programs_may_start_at_once_on_an_empty_database,
    a_signal_stops_the_shop_although_a_connection_is_idle,
    a_running_request_is_finished_before_the_shop_stops,
    acknowledged_writes_survive_sigkill,
    settings_may_come_from_the_environment,
    the_database_is_named_before_or_behind_the_verb,
}

fn an_empty_database_is_filled_with_samples_once(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    for _ in 0..2 {
        let site = serve_samples(&database);
        site.get("/").assert_sees("1,000 products").assert_sees("of 40");
        assert_eq!(site.get("/?page=40").listed().len(), 25);
        site.get("/cookbook").assert_sees("2 recipes");
        site.get("/scoreboard").assert_sees("200 members after week 38");
        site.signal("TERM");
        assert!(site.ends().status.success());
    }
    // A shop that was reduced to one product gets no samples again, nor deleted recipes.
    let site = serve_samples(&database);
    for recipe in [1, 2] {
        let delete = format!("/cookbook/{recipe}/delete");
        site.sends(&site.get(&delete).form(&delete)).assert_sends_to("/cookbook");
    }
    let last = site.get("/").listed()[0];
    site.deletes(last).assert_sends_to("/");
    drop(site);
    let site = serve_samples(&database);
    site.get("/").assert_sees("999 products");
    site.get("/cookbook").assert_sees("0 recipes");
}

fn the_database_is_named_before_or_behind_the_verb(on: Database) {
    let database = TestDatabase::create(on);
    let file = |name: &str, json: &str| {
        let file = database.folder().join(name);
        std::fs::write(&file, json).unwrap();
        file.display().to_string()
    };
    let toast = r#"{"name": "Toast", "instructions": "x", "ingredients": [{"food": "Bread"}]}"#;
    let book = file("book.json", &format!(r#"{{"recipes": [{toast}]}}"#));
    let league = r#"{"season": 2026, "scores": [{"member": "Ada", "week": 1, "score": 7}]}"#;
    let (league, url) = (file("league.json", league), database.url());
    assert_went_well(&run(&["load", "cookbook", &book, "--database", &url]));
    assert_went_well(&run(&["load", "--lock-timeout", "9", "scores", &league, "--database", &url]));
    assert_went_well(&run(&["account", "list", "--database", &url]));
    assert_went_well(&run(&["account", "--database", &url, "list", "--lock-timeout", "9"]));
    assert_eq!(database.sql("SELECT count(*) FROM recipes"), "1", "in that database");
}

fn no_samples_leaves_the_database_empty(on: Database) {
    let site = TestSite::start(on);
    assert!(site.get("/").listed().is_empty());
    let database = Arc::new(TestDatabase::create(on));
    let mut command = larder(&["serve"]);
    command.env("DATABASE_URL", database.url()).env("LARDER_NO_SAMPLES", "true");
    let site = TestSite::of(Program::start(command), database);
    assert!(site.get("/").listed().is_empty());
}

fn migrating_twice_is_harmless(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    for _ in 0..2 {
        assert_went_well(&run(&["migrate", "--database", &database.url()]));
    }
    let site = TestSite::open(Arc::clone(&database), &[]);
    assert!(site.get("/").listed().is_empty());
    site.has_product("Tea");
    assert_went_well(&run(&["migrate", "--database", &database.url()]));
    site.get("/").assert_sees("Tea");
}

fn seeding_adds_that_many_products(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    for products in ["12", "3000"] {
        let ended = run(&["seed", "--products", products, "--database", &database.url()]);
        assert_went_well(&ended);
        let said = format!("{}{}", ended.out, ended.err).replace(',', "");
        assert!(said.contains(products), "says how far it came: {said}");
    }
    if on == Database::Postgres {
        // Each page would read the changes of stamps that are not folded.
        assert_eq!(database.sql("SELECT count(*) FROM cache_changes"), "0");
    }
    let site = TestSite::open(Arc::clone(&database), &[]);
    site.get("/").assert_sees("3,012 products");
    // Seeding a running shop is a write like any other.
    assert_went_well(&run(&["seed", "--products", "1", "--database", &database.url()]));
    site.get("/").assert_cache("stored").assert_sees("3,013 products");
    assert_went_well(&run(&["seed", "--products", "0", "--database", &database.url()]));
    site.get("/").assert_cache("hit");
}

fn two_machines_seed_the_same_products(on: Database) {
    let catalogues = [(); 2].map(|()| {
        let database = Arc::new(TestDatabase::create(on));
        assert_went_well(&run(&["seed", "--products", "300", "--database", &database.url()]));
        catalogue(&TestSite::open(database, &["--page-size", "1000"]))
    });
    assert_eq!(catalogues[0].len(), 300);
    assert_eq!(catalogues[0], catalogues[1]);
}

fn the_samples_look_like_a_grocers(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    assert_went_well(&run(&["seed", "--products", "2000", "--database", &database.url()]));
    let site = TestSite::open(database, &["--page-size", "1000"]);
    let all = catalogue(&site);
    let titles: BTreeSet<_> = all.iter().map(|(title, _)| title).collect();
    let prices: BTreeSet<_> = all.iter().map(|(_, cents)| cents).collect();

    assert!(titles.len() >= 1_000, "{} titles", titles.len());
    assert!(titles.iter().all(|title| (3..=80).contains(&title.chars().count())));
    assert!(prices.len() >= 100, "{} prices", prices.len());
    assert!(all.iter().all(|(_, cents)| (10..=25_000).contains(cents)), "{prices:?}");
    let mut sorted: Vec<_> = all.iter().map(|(_, cents)| *cents).collect();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    assert!((100..=1_500).contains(&median), "the median price is {median} cents");
}

fn two_programs_may_start_at_once_on_an_empty_database(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    // On a busy machine the two that do not add the samples wait for longer than requests do.
    let start = |mut command: std::process::Command| {
        command.args(["--lock-timeout", "600"]);
        Program::start(command)
    };
    let programs = [(); 3].map(|()| start(serve_command(&database)));
    let sites = programs.map(|program| TestSite::of(program, Arc::clone(&database)));
    for site in sites {
        site.get("/").assert_sees("1,000 products");
    }
}

#[test]
fn a_start_waits_for_another_program_that_migrates() {
    let database = Arc::new(TestDatabase::migrated(Database::Sqlite));
    let mut migrating = database.open_shell();
    migrating.does("BEGIN IMMEDIATE");
    let mut command = serve_command(&database);
    command.args(["--lock-timeout", "1"]);
    let program = Program::start(command);
    // Longer than requests wait for a lock.
    assert!(!Bell::default().rings_within(Duration::from_secs(3)));
    migrating.does("COMMIT");
    TestSite::of(program, database).get("/").assert_status(200);
}

fn a_signal_stops_the_shop_although_a_connection_is_idle(on: Database) {
    for signal in ["TERM", "INT"] {
        let site = TestSite::start(on);
        let mut idle = site.connect();
        write!(idle, "GET / HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", site.port()).unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        let silent = site.connect();

        site.signal(signal);
        let ended = site.ends();
        assert!(ended.status.success(), "{signal}: {ended:?}");
        drop((idle, silent));
    }
}

fn a_running_request_is_finished_before_the_shop_stops(on: Database) {
    for signal in ["TERM", "INT"] {
        let site = TestSite::start(on);
        let database = Arc::clone(&site.database);
        let mut stream = site.connect();
        let form = "title=Tea&price=4";
        let (now, later) = form.split_at(5);
        write!(
            stream,
            "POST /products HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n",
            site.port(),
            form.len()
        )
        .unwrap();
        // `100 Continue` means that the server waits for the form: the request is in progress.
        let mut word = [0; 12];
        stream.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"HTTP/1.1 100");
        stream.write_all(now.as_bytes()).unwrap();

        site.signal(signal);
        stream.write_all(later.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("HTTP/1.1 303"), "{signal}: {answer}");
        assert!(site.ends().status.success());
        TestSite::open(database, &[]).get("/").assert_sees("Tea");
    }
}

fn acknowledged_writes_survive_sigkill(on: Database) {
    let mut site = TestSite::start(on);
    for round in 0..3 {
        let database = Arc::clone(&site.database);
        for product in 0..10 {
            site.adds(&format!("Product {round}-{product}."), "1").assert_sends_to("/");
        }
        // Dropping a site kills it, as the kernel does when memory is short.
        drop(site);
        site = TestSite::open(database, &["--page-size", "100"]);
        let page = site.get("/");
        for product in 0..10 {
            page.assert_sees(&format!("Product {round}-{product}."));
        }
    }
}

fn settings_may_come_from_the_environment(on: Database) {
    let database = Arc::new(TestDatabase::create(on));
    // `larder` alone is `larder serve`.
    let mut command = larder(&[]);
    command
        .env("DATABASE_URL", database.url())
        .env("LARDER_HOST", "shop.example")
        .env("LARDER_PAGE_SIZE", "7")
        .env("LARDER_CACHE", "off")
        .env("LARDER_WORKERS", "1")
        .env("LARDER_TOOLBAR", "off")
        .env("LARDER_LOG", "json");
    let site = TestSite::of(Program::start(command), database);
    let page = site.ask("GET", "/").header("Host", "shop.example").send();
    page.assert_status(200).assert_sees("1,000 products").assert_cache("passed");
    page.assert_no_header("server-timing");
    assert_eq!(page.listed().len(), 7);
    // A flag takes precedence over the environment.
    let mut command = larder(&["serve", "--page-size", "9"]);
    command.env("DATABASE_URL", site.database.url()).env("LARDER_PAGE_SIZE", "7");
    let other = TestSite::of(Program::start(command), Arc::clone(&site.database));
    assert_eq!(other.get("/").listed().len(), 9);
}

fn serve_command(database: &TestDatabase) -> std::process::Command {
    larder(&["serve", "--database", &database.url()])
}

fn serve_samples(database: &Arc<TestDatabase>) -> TestSite {
    TestSite::of(Program::start(serve_command(database)), Arc::clone(database))
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    Program::start(larder(arguments)).ends()
}

#[track_caller]
fn assert_went_well(ended: &Ended) {
    assert!(ended.status.success(), "{ended:?}");
}

/// Returns title and price in cents of all products, from the pages that list them.
fn catalogue(site: &TestSite) -> Vec<(String, u64)> {
    let mut products = Vec::new();
    for page in 1.. {
        let page = site.get(&format!("/?page={page}"));
        let ids = page.listed();
        if page.status != 200 || ids.is_empty() {
            break;
        }
        for tag in page.tags("a") {
            let path = tag.attribute("href").unwrap_or("").to_owned();
            let id = path.strip_prefix("/products/").and_then(|id| id.parse::<u64>().ok());
            if id.is_some_and(|id| ids.contains(&id)) {
                let after = page.html().split_once(&format!("\"{path}\"")).unwrap().1.to_owned();
                let (title, rest) = after.split_once("</a>").unwrap();
                let title = title.split_once('>').unwrap().1.trim().to_owned();
                let price = rest.split_once('$').unwrap().1;
                let is_part = |c: &char| c.is_ascii_digit() || ['.', ','].contains(c);
                let digits = price.chars().take_while(is_part).filter(char::is_ascii_digit);
                products.push((title, digits.collect::<String>().parse().unwrap()));
            }
        }
        if ids.len() < 1_000 {
            break;
        }
    }
    products
}
