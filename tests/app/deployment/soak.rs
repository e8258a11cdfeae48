//! Three instances behind HAProxy under load and faults: no request fails, no page is stale, no edit is lost.
//!
//! - `LARDER_SOAK_MINUTES` is how long it takes; `scripts/soak` sets it. Without it each fault happens once.
//! - `scripts/soak` restarts Postgres, too. Beside other stories, which share the server, its connections are cut.
//! - Nothing may grow: neither memory, open files, the write-ahead log nor the rows of the stamps.

use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::load::Load;
use crate::support::{
    Database, HaProxy, PASSWORD, Redis, Shelf, TestDatabase, TestSite, account, on_both_databases,
};

const PRODUCTS: usize = 6;

/// Cuts all connections to the database but this one.
const CUT: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// A process of the server that serves the shop.
const ANY: &str = "SELECT min(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// The share of what the readers can read, in percent.
const SHARE: u32 = 70;
const EDIT_EVERY: Duration = Duration::from_millis(100);
const FAULT_EVERY: Duration = Duration::from_secs(20);

/// How long a fault lasts that does not end by itself.
const LASTING: Duration = Duration::from_secs(2);

const FAULTS: [&str; 5] = ["killed", "database", "Redis killed", "Redis frozen", "deployed"];

on_both_databases! {
    by_hand:
    three_instances_behind_haproxy_fail_no_request,
}

fn three_instances_behind_haproxy_fail_no_request(on: Database) {
    let minutes = std::env::var("LARDER_SOAK_MINUTES").ok();
    let minutes = minutes.map(|text| text.parse().expect("a number of minutes"));
    let time = minutes.map(|minutes: u64| Duration::from_secs(60 * minutes));
    let Some(redis) = Redis::start() else { return };
    let first = TestSite::start(on);
    let shelf = Shelf::of(&first, PRODUCTS);
    let database = first.database.clone();
    drop(first);
    account(&database, &["add", "Mina"], PASSWORD);
    let fleet = Fleet::open(&database, &redis.url());
    let Some(balancer) = HaProxy::start(fleet.ports) else { return };
    let mut place = Place { database: &database, redis, fleet, is_alone: time.is_some() };
    let load = Load::new(&shelf, &balancer);
    let mut samples = Vec::new();
    load.runs_while(|| {
        if time.is_some() {
            let rate = load.paces(SHARE, EDIT_EVERY);
            println!("{on:?}: {rate} pages a second, which is {SHARE} %, and 10 edits");
        }
        println!("{HEAD}");
        let began = Instant::now();
        for round in 0.. {
            if time.map_or(round == FAULTS.len(), |time| began.elapsed() >= time) {
                break;
            }
            place.suffers(round, &load);
            load.goes_on();
            if time.is_some() {
                let next = began + FAULT_EVERY * (round as u32 + 1);
                load.evening.rings_within(next.saturating_duration_since(Instant::now()));
            }
            let sample = Sample::of(&place);
            let passed = began.elapsed().as_secs();
            println!("{passed:>5} s  {:<13} {}", FAULTS[round % FAULTS.len()], sample.line(&load));
            samples.push(sample);
        }
    });
    shelf.assert_saved(&database);
    Sample::assert_flat(&samples);
    for site in place.fleet.sites.iter().flatten() {
        shelf.look_at_list(&mut site.caller(), "/").unwrap();
        assert!(!site.log().contains("panicked"), "{}", site.log());
    }
}

/// All parts that a fault may hit.
struct Place<'a> {
    database: &'a TestDatabase,
    redis: Redis,
    fleet: Fleet,
    /// Whether no other story runs, as under `scripts/soak`.
    is_alone: bool,
}

impl Place<'_> {
    /// Causes the fault of this round.
    ///
    /// The shop cannot know whether a `COMMIT` arrived before its connection was cut.
    fn suffers(&mut self, round: usize, load: &Load) {
        match FAULTS[round % FAULTS.len()] {
            "killed" => self.fleet.loses(round % 3, load),
            "database" => self.cuts_or_locks_the_database(load),
            "Redis killed" => {
                self.redis.dies();
                load.evening.rings_within(LASTING);
                self.redis.returns();
            }
            "Redis frozen" => {
                self.redis.signal("STOP");
                load.evening.rings_within(LASTING);
                self.redis.signal("CONT");
            }
            _ => {
                if round < FAULTS.len() {
                    // The new build has a migration that adds something which the old one does not know.
                    self.database
                        .sql("ALTER TABLE products ADD COLUMN origin text DEFAULT 'unknown'");
                }
                (0..3).for_each(|number| self.fleet.deploys(number, load));
            }
        }
    }

    /// Kills a process of the server: Postgres ends all others, recovers from its log, and serves again.
    fn restarts_the_database(&self) {
        let pid = self.database.sql_as_administrator(ANY);
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success(), "{pid}");
    }

    /// Cuts all connections, or restarts the server where no other story uses it.
    fn cuts_or_locks_the_database(&self, load: &Load) {
        match self.database.kind {
            Database::Postgres => load.excuses(&["may have been saved"], || {
                match self.is_alone {
                    true => self.restarts_the_database(),
                    false => drop(self.database.sql_as_administrator(CUT)),
                }
                load.goes_on();
            }),
            Database::Sqlite => {
                // Writers wait for their turn.
                let mut shell = self.database.open_shell();
                shell.does("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE");
                load.evening.rings_within(LASTING);
                shell.does("COMMIT");
            }
        }
    }
}

const HEAD: &str =
    "   time  after fault    reads   edits  excused  RSS, MB  files  WAL, MB  totals  changes";

/// What must not grow, of the instance that has most of it.
struct Sample {
    /// Kilobytes of memory.
    rss: u64,
    files: u64,
    /// Bytes of the write-ahead log.
    wal: u64,
    /// Rows of the stamps: totals, and changes that are not added to them.
    totals: u64,
    changes: u64,
}

impl Sample {
    fn of(place: &Place) -> Self {
        let pids: Vec<_> = place.fleet.sites.iter().flatten().map(TestSite::pid).collect();
        let most = |figure: fn(u32) -> u64| pids.iter().map(|pid| figure(*pid)).max().unwrap();
        let database = place.database;
        let number = |text: String| text.parse().unwrap();
        let wal = match database.kind {
            Database::Sqlite => fs::metadata(database.folder().join("shop.sqlite3-wal"))
                .map_or(0, |file| file.len()),
            Database::Postgres if place.is_alone => {
                number(database.sql_as_administrator("SELECT sum(size) FROM pg_ls_waldir()"))
            }
            // The other stories of the run write into the same log.
            Database::Postgres => 0,
        };
        Self {
            rss: most(resident),
            files: most(open_files),
            wal,
            totals: number(database.sql("SELECT count(*) FROM cache_versions")),
            changes: number(database.sql_of_each("SELECT 0", "SELECT count(*) FROM cache_changes")),
        }
    }

    fn line(&self, load: &Load) -> String {
        let [reads, edits, excused] =
            [&load.reads, &load.edits, &load.excused].map(|count| count.load(SeqCst));
        let Self { rss, files, wal, totals, changes } = self;
        format!(
            "{reads:>8} {edits:>7} {excused:>8} {:>8.1} {files:>6} {:>8.1} {totals:>7} {changes:>8}",
            *rss as f64 / 1024.0,
            *wal as f64 / 1_048_576.0
        )
    }

    /// Asserts that the second half of the samples has about as much of everything as the first.
    fn assert_flat(samples: &[Self]) {
        let (first, second) = samples.split_at(samples.len() / 2);
        let grows = |what: &str, figure: fn(&Self) -> u64, by: u64| {
            let most = |half: &[Self]| half.iter().map(figure).max().unwrap_or(0);
            let (before, after) = (most(first), most(second));
            assert!(after <= before + before / 4 + by, "{what} grew from {before} to {after}");
        };
        grows("memory", |sample| sample.rss, 8 << 10);
        grows("files", |sample| sample.files, 16);
        // Postgres keeps its log in files of 16 MB, and SQLite starts again at 4 MB when no reader is left.
        grows("the write-ahead log", |sample| sample.wal, 64 << 20);
        grows("totals", |sample| sample.totals, 16);
        grows("changes", |sample| sample.changes, 512);
    }
}

/// Returns the kilobytes of memory that a process has.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn open_files(pid: u32) -> u64 {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64
}
