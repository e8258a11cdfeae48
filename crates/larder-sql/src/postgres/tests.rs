//! Queries that overlap: every order in which a database sees them, and in which its answers arrive.
//!
//! The queue and the validators are those that run; the threads and the database are the test's, which decides who
//! goes on.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use larder_cache::Stamp;
use larder_cache::stamps::{Stamps, StampsResult};
use proptest::prelude::*;
use proptest::sample::Index;

use super::queue::{Question, Start, State, lock};
use super::*;
use crate::driver::{Dialect, Driver, Row};

const TAGS: [&str; 3] = ["tea", "milk", "salt"];

/// What a commit has made of each tag's stamp.
type Stamped = BTreeMap<String, Stamp>;

/// A database that has the tables of stamps, and whose answers the test lets through.
#[derive(Default)]
struct Base {
    totals: Stamped,
    /// The changes that are not folded.
    changes: Vec<(&'static str, i64)>,
    /// All stamps after each commit.
    history: Vec<Stamped>,
    /// How often the totals were read.
    totals_read: usize,
    queries: Vec<Query>,
}

/// A statement that runs, and the rows that it has found, if the database has got to it.
struct Query {
    sql: String,
    found: Option<Vec<Row>>,
    arrives: oneshot::Sender<Vec<Row>>,
}

fn change(stamps: &mut Stamped, tag: &str, nonce: i64) {
    for tag in [tag, "*"] {
        let stamp = stamps.entry(tag.to_owned()).or_default();
        *stamp = Stamp { count: stamp.count + 1, nonce: stamp.nonce ^ nonce };
    }
}

impl Base {
    fn commit(&mut self, tag: &'static str) {
        let mut stamps = self.history.last().cloned().unwrap_or_default();
        let nonce = 1 << self.history.len();
        change(&mut stamps, tag, nonce);
        self.changes.push((tag, nonce));
        self.history.push(stamps);
    }

    fn fold(&mut self) {
        for (tag, nonce) in std::mem::take(&mut self.changes) {
            change(&mut self.totals, tag, nonce);
        }
    }

    /// Returns the rows of a statement of the protocol now.
    fn rows(&self, sql: &str) -> Vec<Row> {
        let mut changes = Stamped::new();
        self.changes.iter().for_each(|(tag, nonce)| change(&mut changes, tag, *nonce));
        if sql == stamps::ANY {
            let [total, change] = [&self.totals, &changes].map(|stamps| stamps.get("*"));
            let [total, change] = [total, change].map(|stamp| stamp.copied().unwrap_or_default());
            let unfolded = change.count.to_string();
            return vec![(unfolded, total.count + change.count, total.nonce ^ change.nonce)];
        }
        let row = |(tag, stamp): (&String, &Stamp)| (tag.clone(), stamp.count, stamp.nonce);
        let negative = |(tag, count, nonce): Row| (tag, -count, nonce);
        let changes = changes.iter().map(row).map(negative);
        if sql.starts_with(stamps::TOTAL_OF_ANY) {
            let any = self.totals.iter().filter(|(tag, _)| *tag == "*");
            return any.map(row).chain(changes).collect();
        }
        if sql.starts_with(stamps::TOTALS) {
            return self.totals.iter().map(row).chain(changes).collect();
        }
        // The schema.
        vec![(String::new(), 0, 0)]
    }

    fn look(&mut self, which: usize) {
        let sql = &self.queries[which].sql;
        let is_of_all = sql.starts_with(stamps::TOTALS) && !sql.starts_with(stamps::TOTAL_OF_ANY);
        self.totals_read += usize::from(is_of_all);
        let found = self.rows(&self.queries[which].sql);
        self.queries[which].found.get_or_insert(found);
    }

    fn arrive(&mut self, which: usize) {
        self.look(which);
        let query = self.queries.swap_remove(which);
        query.arrives.send(query.found.unwrap()).unwrap();
    }
}

#[derive(Clone, Default)]
struct Far(Arc<Mutex<Base>>);

impl Connect for Far {
    type Conn = Self;

    async fn connect(&self) -> Result<Self, String> {
        Ok(self.clone())
    }
}

impl Driver for Far {
    type Error = String;

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn run(&mut self, _: &str) -> Result<(), String> {
        Ok(())
    }

    async fn rows(&mut self, sql: &str, _: &[&str]) -> Result<Vec<Row>, String> {
        let (arrives, answer) = oneshot::channel();
        lock(&self.0).queries.push(Query { sql: sql.to_owned(), found: None, arrives });
        answer.await.map_err(|error| error.to_string())
    }

    fn refusal(sentence: String) -> String {
        sentence
    }
}

type Asked = Pin<Box<dyn Future<Output = (Validator<Far>, StampsResult)>>>;

enum Thread {
    Idle(Validator<Far>),
    Asks { question: Question, asked: Asked, askers: Vec<queue::Asker> },
}

struct Site {
    far: Far,
    shared: Arc<Shared<Far>>,
    state: State,
    threads: Vec<Option<Thread>>,
    /// For each request: the commits before it, and its answer.
    requests: Vec<(usize, oneshot::Receiver<queue::Answer>)>,
    /// For each request that was answered: the commits before it, and those that its stamps contain.
    answered: Vec<(usize, usize)>,
}

impl Site {
    fn open(threads: usize) -> Self {
        let far = Far::default();
        let shared = Arc::new(Shared::new(far.clone(), &[]));
        let idle = |_| Some(Thread::Idle(Validator::new(shared.clone(), waiting().unwrap())));
        let threads = (0..threads).map(idle).collect();
        let (requests, answered) = (Vec::new(), Vec::new());
        Self { far, shared, state: State::default(), threads, requests, answered }
    }

    fn base(&self) -> MutexGuard<'_, Base> {
        lock(&self.far.0)
    }

    /// A request begins to wait.
    fn ask(&mut self) {
        let (asker, answer) = oneshot::channel();
        self.state.join(asker, Instant::now());
        let commits = self.base().history.len();
        self.requests.push((commits, answer));
    }

    /// A thread begins a query if it is idle and a request waits.
    fn begin(&mut self, thread: usize) {
        let now = Instant::now();
        if self.state.next_start(now) == Start::WhenAsked {
            return;
        }
        let Some(Thread::Idle(mut validator)) =
            self.threads[thread].take_if(|thread| matches!(thread, Thread::Idle(_)))
        else {
            return;
        };
        let (question, askers) = self.state.start(now);
        let asked = Box::pin(async move {
            let answer = validator.ask_twice(question).await;
            (validator, answer)
        });
        self.threads[thread] = Some(Thread::Asks { question, asked, askers });
    }

    /// A request begins to wait, and this thread to ask for it: what it has to know before, it is told.
    fn asks_by(&mut self, thread: usize) {
        self.ask();
        self.begin(thread);
        self.settle();
        loop {
            let mut base = self.base();
            let newest = base.queries.len() - 1;
            if base.queries[newest].sql == stamps::ANY {
                break;
            }
            base.arrive(newest);
            drop(base);
            self.settle();
        }
    }

    /// The oldest answers arrive until every request has one.
    fn answers_all(&mut self) {
        while !self.requests.is_empty() {
            self.base().arrive(0);
            self.settle();
        }
    }

    /// Every thread goes on until it waits for the database.
    fn settle(&mut self) {
        // A thread that has finished may let another one go on.
        for _ in 0..self.threads.len() {
            for place in 0..self.threads.len() {
                let thread = self.threads[place].take().unwrap();
                self.threads[place] = Some(self.go_on(thread));
            }
        }
        let open = std::mem::take(&mut self.requests).into_iter();
        for (commits, mut answer) in open {
            match answer.try_recv() {
                Ok((stamps, _)) => {
                    let seen = self.commits_of(&stamps.unwrap());
                    self.answered.push((commits, seen));
                }
                Err(_) => self.requests.push((commits, answer)),
            }
        }
    }

    fn go_on(&mut self, thread: Thread) -> Thread {
        let Thread::Asks { question, mut asked, askers } = thread else { return thread };
        let before = self.shared.known().map(|known| known.question);
        let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(before <= self.shared.known().map(|known| known.question), "an older one is kept");
        let Poll::Ready((validator, answer)) = polled else {
            return Thread::Asks { question, asked, askers };
        };
        self.state.end(question, answer.is_ok());
        for asker in askers {
            let _ = asker.send((answer.clone(), Arc::default()));
        }
        Thread::Idle(validator)
    }

    /// Returns the number of commits that stamps contain, which must be those of exactly that state.
    fn commits_of(&self, stamps: &Stamps) -> usize {
        let base = self.base();
        let commits = stamps.stamp(&Tag::ANY).count as usize;
        let state = commits.checked_sub(1).map(|last| base.history[last].clone());
        let state = state.unwrap_or_default();
        for tag in TAGS.iter().chain(&["*"]) {
            let wanted = state.get(*tag).copied().unwrap_or_default();
            assert_eq!(stamps.stamp(&Tag::named(tag)), wanted, "{tag} after {commits} commits");
        }
        commits
    }

    /// Lets all that is open end, and asserts that every request saw what was committed before it.
    fn end(mut self) {
        while !self.requests.is_empty() {
            (0..self.threads.len()).for_each(|thread| self.begin(thread));
            self.settle();
            let mut base = self.base();
            if !base.queries.is_empty() {
                base.arrive(0);
            }
            drop(base);
            self.settle();
        }
        for (before, seen) in self.answered {
            assert!(seen >= before, "{seen} commits are seen after {before}");
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask,
    Begin(Index),
    Commit(Index),
    Fold,
    /// The database looks at its state for a query that is under way.
    Look(Index),
    /// An answer arrives.
    Arrive(Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Ask),
        3 => any::<Index>().prop_map(Step::Begin),
        2 => any::<Index>().prop_map(Step::Commit),
        1 => Just(Step::Fold),
        3 => any::<Index>().prop_map(Step::Look),
        5 => any::<Index>().prop_map(Step::Arrive),
    ]
}

proptest! {
    #[test]
    fn overlapping_queries_answer_with_one_state_that_is_never_too_old(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut site = Site::open(3);
        for step in steps {
            match step {
                Step::Ask => site.ask(),
                Step::Begin(which) => site.begin(which.index(3)),
                Step::Commit(which) => site.base().commit(TAGS[which.index(TAGS.len())]),
                Step::Fold => site.base().fold(),
                Step::Look(which) | Step::Arrive(which) => {
                    let mut base = site.base();
                    let queries = base.queries.len();
                    match step {
                        _ if queries == 0 => {}
                        Step::Look(_) => base.look(which.index(queries)),
                        _ => base.arrive(which.index(queries)),
                    }
                }
            }
            site.settle();
        }
        site.end();
    }
}

#[test]
fn an_older_answer_that_arrives_late_serves_only_those_who_waited_for_it() {
    let mut site = Site::open(2);
    site.base().commit("milk");
    site.base().fold();
    // The first answers bring the schema and all stamps.
    for thread in 0..2 {
        site.asks_by(thread);
        site.answers_all();
    }
    site.asks_by(0);
    // The database sees the first query before the commit, and the second one after it.
    site.base().look(0);
    site.base().commit("tea");
    site.asks_by(1);
    while site.requests.len() > 1 {
        let newest = site.base().queries.len() - 1;
        site.base().arrive(newest);
        site.settle();
    }
    assert_eq!(site.answered.pop(), Some((2, 2)), "it does not wait for the older one");
    site.answers_all();
    assert!(site.answered.pop().is_some_and(|(before, _)| before == 1));
    assert_eq!(site.base().totals_read, 1, "only what has changed is read");
    // The newer stamps are those that are known, so nothing else is asked for.
    site.asks_by(0);
    site.base().arrive(0);
    site.settle();
    assert_eq!(site.answered.pop(), Some((2, 2)));
}
