//! The clients of the shop, whose requests all go through HAProxy.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Bell, Figures, HaProxy, PASSWORD, Ringer, Shelf, Wrong, address_of_its_own, until,
};

const READERS: usize = 3;

/// The pause of the test where it waits for something.
pub const TICK: Duration = Duration::from_millis(5);

/// How many reads and edits at least are made after each event.
const ENOUGH: u64 = 15;

/// How long it is measured what the readers can do.
const CALIBRATION: Duration = Duration::from_secs(10);

/// How many addresses are requested besides those of the products.
const ADDRESSES: u64 = 500;

/// Visitors, and a member of staff.
pub struct Load<'a> {
    shelf: &'a Shelf,
    pub balancer: &'a HaProxy,
    /// The session of the member of staff.
    cookie: String,
    pub evening: Bell,
    pub reads: AtomicU64,
    pub edits: AtomicU64,
    /// The pauses of a reader and of the writer, in microseconds.
    look: AtomicU64,
    edit: AtomicU64,
    /// What the answer to a write says that is lost by what the test does at the moment.
    excuse: Mutex<&'static [&'static str]>,
    pub excused: AtomicU64,
}

impl<'a> Load<'a> {
    /// Returns clients that make a pause of 5 ms after each page, and of 20 ms after each edit.
    pub fn new(shelf: &'a Shelf, balancer: &'a HaProxy) -> Self {
        let sign_in = balancer.ask("POST", "/login");
        let answer = sign_in.form(&[("name", "Mina"), ("password", PASSWORD)]).send();
        let session = answer.lines_of("set-cookie").find(|line| line.contains("session="));
        let session = session.unwrap_or_else(|| panic!("no session: {answer:?}"));
        Self {
            shelf,
            balancer,
            cookie: session.split(';').next().unwrap().to_owned(),
            evening: Bell::default(),
            reads: AtomicU64::new(0),
            edits: AtomicU64::new(0),
            look: AtomicU64::new(5_000),
            edit: AtomicU64::new(20_000),
            excuse: Mutex::new(&[]),
            excused: AtomicU64::new(0),
        }
    }

    /// Runs the load during `story`. A request that fails without an excuse, or shows what is not true, is a panic.
    pub fn runs_while(&self, story: impl FnOnce()) {
        thread::scope(|scope| {
            let _end = Ringer(&self.evening);
            for reader in 0..READERS {
                scope.spawn(move || self.read(reader));
            }
            scope.spawn(|| self.write());
            story();
        });
        let figure = |count: &AtomicU64| count.load(SeqCst);
        Figures::new()
            .with("reads", figure(&self.reads))
            .with("edits", figure(&self.edits))
            .with("excused", figure(&self.excused))
            .with("failed", 0)
            .with("stale", 0)
            .tell();
    }

    /// Lets the readers read as fast as they can for a while, and then this share of it, in percent, with an edit after
    /// each such pause; returns the pages a second.
    pub fn paces(&self, share: u32, edit_every: Duration) -> u64 {
        self.edit.store(edit_every.as_micros() as u64, SeqCst);
        self.look.store(0, SeqCst);
        let (before, began) = (self.reads.load(SeqCst), Instant::now());
        self.evening.rings_within(CALIBRATION);
        let reads = (self.reads.load(SeqCst) - before).max(1);
        let each = began.elapsed().as_micros() as u64 * READERS as u64 / reads;
        let share = u64::from(share);
        self.look.store(each * (100 - share) / share, SeqCst);
        reads * share / 100 / CALIBRATION.as_secs()
    }

    fn read(&self, reader: usize) {
        // A client that has failed ends the others.
        let _end = Ringer(&self.evening);
        let mut caller = self.balancer.caller();
        let mut turn = reader;
        while !self.pauses(&self.look) {
            let looked = match turn % 4 {
                0 => self.shelf.look_at_list(&mut caller, "/"),
                1 => self
                    .shelf
                    .look_at_list(&mut caller, &address_of_its_own(turn as u64 % ADDRESSES)),
                _ => self.shelf.look_at_one(&mut caller, turn % self.shelf.len()),
            };
            looked.unwrap_or_else(|wrong| panic!("{wrong}\n{}", self.balancer.log()));
            self.reads.fetch_add(1, SeqCst);
            turn += 1;
        }
    }

    fn write(&self) {
        let _end = Ringer(&self.evening);
        let mut turn = 0;
        while !self.pauses(&self.edit) {
            let (item, before) = (turn % self.shelf.len(), self.excuse());
            let edited = self.shelf.edit_by(item, |path, fields| {
                let request = self.balancer.ask("POST", path).header("Cookie", &self.cookie);
                request.form(fields).try_send().map_err(Wrong::Error)
            });
            match edited {
                Ok(()) => self.edits.fetch_add(1, SeqCst),
                Err(Wrong::Error(said)) if self.is_excused(&said, before) => {
                    self.shelf.settle(&mut self.balancer.caller(), item).unwrap();
                    self.excused.fetch_add(1, SeqCst)
                }
                Err(wrong) => panic!("{wrong}\n{}", self.balancer.log()),
            };
            turn += 1;
        }
    }

    fn pauses(&self, micros: &AtomicU64) -> bool {
        self.evening.rings_within(Duration::from_micros(micros.load(SeqCst)))
    }

    fn excuse(&self) -> &'static [&'static str] {
        *self.excuse.lock().unwrap()
    }

    /// Reports whether what the test did before or after the request explains its answer.
    fn is_excused(&self, said: &str, before: &[&str]) -> bool {
        before.iter().chain(self.excuse()).any(|excuse| said.contains(excuse))
    }

    /// Excuses such answers to writes while `event` happens: one at most, that of the write which was under way.
    pub fn excuses(&self, answers: &'static [&'static str], event: impl FnOnce()) {
        let before = self.excused.load(SeqCst);
        *self.excuse.lock().unwrap() = answers;
        event();
        // The write that was under way may have begun before the event, and is answered later.
        let written = || self.edits.load(SeqCst) + self.excused.load(SeqCst);
        let before_its_answer = written();
        self.waits_until("the write that was under way is answered", || {
            written() > before_its_answer
        });
        *self.excuse.lock().unwrap() = &[];
        assert!(self.excused.load(SeqCst) <= before + 1, "{answers:?} came more than once");
    }

    /// Waits until enough has been read and edited from now on.
    pub fn goes_on(&self) {
        let [reads, edits] = [&self.reads, &self.edits].map(|count| count.load(SeqCst) + ENOUGH);
        self.waits_until("the load goes on", || {
            self.reads.load(SeqCst) >= reads && self.edits.load(SeqCst) >= edits
        });
    }

    pub fn waits_until(&self, what: &str, is_so: impl Fn() -> bool) {
        until(what, || self.evening.rings_within(TICK) || is_so());
        assert!(!self.evening.has_rung(), "a client has failed before this: {what}");
    }
}
