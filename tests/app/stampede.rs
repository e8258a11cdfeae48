//! Stampedes: a page that is not cached is built once for all concurrent visitors.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Bell, Caller, Database, Figures, Hold, PATIENCE, Page, Program, Proxy, Ringer, TestDatabase,
    TestSite, larder, on_both_databases,
};

on_both_databases! {
    ten_thousand_visitors_on_a_cold_page_cause_one_load,
}

const VISITORS: usize = 10_000;
const CROWDS: usize = 8;
/// More than there are visitors, in each worker.
const CONNECTIONS: &str = "50000";
const PAGE: &str = "/?page=2";
const ASKERS: usize = 64;
const LOOKS: usize = 40;

/// Holds every answer of the database to a read-only connection, while a page is built.
const MAKING: Hold = Hold { connection: "READ ONLY", statement: "" };

fn ten_thousand_visitors_on_a_cold_page_cause_one_load(on: Database) {
    // One such test at a time: each needs half of the files that this process may open.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (site, proxy) = open(on);
    site.has_products(30);
    let mut crowds: Vec<Vec<Caller>> = (0..CROWDS).map(|_| Vec::new()).collect();
    let connections = (most_files() / 2).min(VISITORS) / CROWDS;
    at_once(&mut crowds, |crowd| crowd.extend((0..connections).map(|_| arrives(&site))));

    site.invalidates("everything").assert_sends_to("/");
    proxy.iter().for_each(|proxy| proxy.hold(MAKING));
    let started = Instant::now();
    at_once(&mut crowds, |crowd| each_visit(crowd, |visitor| visitor.asks(PAGE)));
    if let Some(proxy) = proxy {
        is_idle(&site);
        proxy.let_go();
    }
    let pages = at_once(&mut crowds, |crowd| {
        let mut pages = Vec::new();
        each_visit(crowd, |visitor| pages.push(visitor.hears(PAGE)));
        pages
    });
    let took = started.elapsed();

    let pages: Vec<Page> = pages.into_iter().flatten().collect();
    let number = |is: fn(&Page) -> bool| pages.iter().filter(|page| is(page)).count();
    let loads = number(|page| page.assert_status(200).timing().sql_queries() > 0);
    Figures::new()
        .with("visitors", pages.len())
        .with("connections", connections * CROWDS)
        .with("loads", loads)
        .with("waited for it", number(|page| page.cache().parameter("collapsed").is_some()))
        .with_time("took", took)
        .tell();
    // A load that takes ten seconds is replaced, which happens on a machine that is very busy.
    let most = 1 + usize::try_from(took.as_secs() / 10).unwrap();
    assert_eq!(pages.len(), VISITORS);
    assert!((1..=most).contains(&loads), "{loads} loads in {took:?}");
    assert!((1..=loads).contains(&number(|page| page.cache().is_stored())));
    assert!(pages.iter().all(|page| page.body == pages[0].body));
}

/// Runs `act` for all crowds concurrently.
fn at_once<T: Send>(
    crowds: &mut [Vec<Caller>],
    act: impl Fn(&mut Vec<Caller>) -> T + Sync,
) -> Vec<T> {
    let act = &act;
    thread::scope(|scope| {
        let crowds: Vec<_> =
            crowds.iter_mut().map(|crowd| scope.spawn(move || act(crowd))).collect();
        crowds.into_iter().map(|crowd| crowd.join().unwrap()).collect()
    })
}

/// Runs the visits of one crowd. If few files may be open, several visitors share a connection.
fn each_visit(crowd: &mut [Caller], mut visit: impl FnMut(&mut Caller)) {
    for visitor in 0..VISITORS / CROWDS {
        visit(&mut crowd[visitor % crowd.len()]);
    }
}

/// Connects a visitor and sends one request; silent connections are closed after a few seconds.
fn arrives(site: &TestSite) -> Caller {
    let mut caller = site.caller();
    caller.get("/nothing").assert_status(404);
    caller
}

/// Waits until the shop is idle: then another request is answered at once, repeatedly.
fn is_idle(site: &TestSite) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut quick_answers = 0;
    while quick_answers < 20 && Instant::now() < deadline {
        let started = Instant::now();
        arrives(site);
        let is_quick = started.elapsed() < Duration::from_millis(5);
        quick_answers = if is_quick { quick_answers + 1 } else { 0 };
    }
}

/// Returns how many files, and so connections, this process may have open.
fn most_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(1_024)
}

/// Holds the database's answers to builders of the page, so that concurrent ones can be counted.
#[test]
fn a_hot_page_invalidated_a_hundred_times_a_second_is_built_by_one_at_a_time() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let (site, proxy) = open(Database::Postgres);
    let proxy = proxy.expect("Postgres is at the end of a wire");
    site.has_product("Tea");
    let evening = Bell::default();
    let (answers, loads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let most_at_once = thread::scope(|scope| {
        let _end = Ringer(&evening);
        for _ in 0..ASKERS {
            scope.spawn(|| {
                let mut caller = site.caller();
                while !evening.has_rung() {
                    let page = caller.get("/");
                    let is_made = page.assert_status(200).timing().sql_queries() > 0;
                    answers.fetch_add(1, Ordering::Relaxed);
                    loads.fetch_add(usize::from(is_made), Ordering::Relaxed);
                }
            });
        }
        scope.spawn(|| {
            while !evening.has_rung() {
                site.database.sql(INVALIDATIONS);
            }
        });
        let deadline = Instant::now() + PATIENCE;
        let is_enough = |looks| looks >= LOOKS && loads.load(Ordering::Relaxed) > LOOKS / 4;
        let mut most_at_once = 0;
        for looks in 0.. {
            if is_enough(looks) {
                break;
            }
            assert!(Instant::now() < deadline, "the page is hardly ever loaded again");
            most_at_once = most_at_once.max(look(&proxy, &evening));
        }
        most_at_once
    });
    let loads = loads.into_inner();
    Figures::new()
        .with("answers", answers.into_inner())
        .with("loads", loads)
        .with("most at once", most_at_once)
        .tell();
    assert_eq!(most_at_once, 1);
}

/// A hundred invalidations a second, for half a second.
const INVALIDATIONS: &str = "DO $$ BEGIN FOR i IN 1..50 LOOP
    PERFORM cache_bump('products'); COMMIT; PERFORM pg_sleep(0.01);
END LOOP; END $$";

/// Holds the answers for a moment; returns how many connections build the page meanwhile.
fn look(proxy: &Proxy, evening: &Bell) -> usize {
    proxy.hold(MAKING);
    proxy.wait_until_held();
    evening.rings_within(Duration::from_millis(40));
    let held = proxy.held_within(Duration::ZERO);
    proxy.let_go();
    // Gives the other requests time to proceed.
    evening.rings_within(Duration::from_millis(10));
    held
}

/// Starts an empty shop; its Postgres is behind a proxy that can hold answers.
fn open(on: Database) -> (TestSite, Option<Proxy>) {
    let database = Arc::new(TestDatabase::create(on));
    if on == Database::Sqlite {
        let flags = ["--toolbar", "auto", "--max-connections", CONNECTIONS];
        return (TestSite::open(database, &flags), None);
    }
    let (proxy, url) = database.through_a_proxy();
    let mut command = larder(&["serve", "--no-samples", "--workers", "4", "--database", &url]);
    // The answers are held until all visitors have asked, which takes a busy machine more than half a minute.
    command.args(["--max-connections", CONNECTIONS, "--lock-timeout", "120"]);
    (TestSite::of(Program::start(command), database), Some(proxy))
}
