//! Random operations: each request shows at least the changes acknowledged before it.
//!
//! - Readers and writers are the same threads: each changes products of its own and reads all of
//!   them, on two instances, in forms and in SQL, in a mix that changes all the time.
//! - `LARDER_FRESHNESS_OPERATIONS` is the number of operations; `scripts/freshness` sets it.
//! - `LARDER_FRESHNESS_SEED` repeats a run's random numbers, but not the order of its threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use crate::support::{
    Caller, Database, Dice, Figures, Shelf, TestSite, Wrong, address_of_its_own, on_both_databases,
};

on_both_databases! {
    by_hand:
    every_read_shows_at_least_what_was_acknowledged_before_it,
}

/// The number of operations on SQLite; Postgres does a fifth of them.
const OPERATIONS: u64 = 20_000;
const PEOPLE: usize = 6;
const PRODUCTS_EACH: usize = 3;

/// A person changes how often they write once in this many operations, on average.
const MOOD: u64 = 200;
const WRITES_ONE_IN: [u64; 5] = [5, 20, 50, 200, 1_000];

fn every_read_shows_at_least_what_was_acknowledged_before_it(on: Database) {
    let here = TestSite::start(on);
    let there = here.another_instance();
    compare(on, &here, &there, 1);
}

/// Between the reads that are compared, others use the stamps of earlier questions.
#[test]
fn where_freshness_is_bounded_every_strict_read_shows_it_too() {
    if !Database::Postgres.is_here(true) {
        return;
    }
    let bounded = ["--freshness", "60min"];
    let here = TestSite::start_with(Database::Postgres, &bounded).asked_strictly();
    let there = here.another_instance_with(&bounded).asked_strictly();
    compare(Database::Postgres, &here, &there, 5);
}

/// Does random operations, one in `share` of those that are configured.
fn compare(on: Database, here: &TestSite, there: &TestSite, share: u64) {
    let operations = number("LARDER_FRESHNESS_OPERATIONS").unwrap_or(OPERATIONS);
    let operations = if on == Database::Sqlite { operations } else { operations / 5 };
    let operations = operations / share;
    let seed = number("LARDER_FRESHNESS_SEED").unwrap_or_else(Dice::any_seed);
    println!("LARDER_FRESHNESS_SEED={seed}");
    let shelf = Shelf::of(here, PEOPLE * PRODUCTS_EACH);
    let left = AtomicU64::new(operations);
    let started = Instant::now();
    let done = thread::scope(|scope| {
        let people: Vec<_> = (0..PEOPLE)
            .map(|number| {
                let mut person = Person::new(&shelf, [here, there], number, seed);
                let left = &left;
                scope.spawn(move || {
                    while left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                        if let Err(wrong) = person.does_something() {
                            // Ends the other threads.
                            left.store(0, Relaxed);
                            panic!("with the seed {seed}: {wrong}");
                        }
                    }
                    person.done
                })
            })
            .collect();
        people.into_iter().map(|person| person.join().unwrap()).fold([0; 4], add)
    });
    tell(done, started.elapsed().as_secs_f64());
    for site in [here, there] {
        let log = site.log();
        assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
    }
}

/// The kinds of operations, which are indexes of their counts.
const READ: usize = 0;
const FORM: usize = 1;
const BY_HAND: usize = 2;
const BUTTON: usize = 3;

/// A thread that reads all products, and alone writes its own.
struct Person<'a> {
    shelf: &'a Shelf,
    sites: [&'a TestSite; 2],
    callers: [Caller; 2],
    /// Where freshness is bounded: readers that may be shown less.
    others: Option<[Caller; 2]>,
    dice: Dice,
    /// Its own products, and whether each is present.
    own: Vec<(usize, bool)>,
    writes_one_in: u64,
    done: [u64; 4],
}

impl<'a> Person<'a> {
    fn new(shelf: &'a Shelf, sites: [&'a TestSite; 2], number: usize, seed: u64) -> Self {
        Self {
            shelf,
            sites,
            callers: sites.map(TestSite::caller),
            others: sites[0].is_strict().then(|| sites.map(|site| Caller::at(site.port()))),
            dice: Dice::of(seed.wrapping_add(number as u64)),
            own: (0..PRODUCTS_EACH).map(|n| (number * PRODUCTS_EACH + n, true)).collect(),
            writes_one_in: WRITES_ONE_IN[2],
            done: [0; 4],
        }
    }

    fn does_something(&mut self) -> Result<(), Wrong> {
        if self.dice.roll(MOOD) == 0 {
            self.writes_one_in = WRITES_ONE_IN[self.dice.pick(WRITES_ONE_IN.len())];
        }
        let what = match self.dice.roll(self.writes_one_in) {
            0 => match self.dice.roll(20) {
                0 => BY_HAND,
                1 | 2 => BUTTON,
                _ => FORM,
            },
            _ => READ,
        };
        self.done[what] += 1;
        match what {
            READ => self.reads(),
            BUTTON => self.presses_the_button(),
            _ => self.writes(what == BY_HAND),
        }
    }

    fn reads(&mut self) -> Result<(), Wrong> {
        if let Some(others) = &mut self.others {
            others[self.dice.pick(2)].get("/").assert_status(200);
        }
        let item = self.dice.pick(self.shelf.len());
        let caller = &mut self.callers[self.dice.pick(2)];
        let read = match self.dice.roll(10) {
            0..4 => self.shelf.look_at_list(caller, "/"),
            4 => self.shelf.look_at_list(caller, &address_of_its_own(self.dice.roll(1_000))),
            5..8 => self.shelf.look_at_one(caller, item),
            _ => self.shelf.search(caller, item),
        };
        read.map(drop)
    }

    /// Adds an absent product; edits or sometimes deletes a present one.
    fn writes(&mut self, by_hand: bool) -> Result<(), Wrong> {
        let (shelf, site) = (self.shelf, self.sites[self.dice.pick(2)]);
        let own = self.dice.pick(self.own.len());
        let (item, was_there) = self.own[own];
        let removes = self.dice.roll(4) == 0;
        self.own[own].1 = !(was_there && removes);
        match (was_there, removes, by_hand) {
            (false, _, false) => shelf.add(site, item),
            (false, _, true) => shelf.add_by_hand(site, item),
            (true, false, false) => shelf.edit(site, item),
            (true, false, true) => shelf.edit_by_hand(site, item),
            (true, true, false) => shelf.remove(site, item),
            (true, true, true) => shelf.remove_by_hand(site, item),
        }
    }

    fn presses_the_button(&mut self) -> Result<(), Wrong> {
        let tag = ["everything", "products"][self.dice.pick(2)];
        let answer = self.sites[self.dice.pick(2)].invalidates(tag);
        if answer.status == 303 { Ok(()) } else { Err(Wrong::Error(answer.excerpt())) }
    }
}

/// Prints what was done.
///
/// As no read was stale, the share of stale reads is below 3/n with 95 % confidence (the rule of
/// three).
fn tell(done: [u64; 4], seconds: f64) {
    let all: u64 = done.iter().sum();
    Figures::new()
        .with("operations", all)
        .with("reads", done[READ])
        .with("forms", done[FORM])
        .with("by hand", done[BY_HAND])
        .with("button", done[BUTTON])
        .with("per second", (all as f64 / seconds).round())
        .with("stale", 0)
        .with("at most", format!("{:.1e} of reads (95 %)", 3.0 / done[READ] as f64))
        .tell();
}

fn add(mut sum: [u64; 4], more: [u64; 4]) -> [u64; 4] {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    sum
}

/// Reads a number from the environment.
#[track_caller]
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
