use std::sync::atomic::AtomicI64;

use larder_cache::Stamp;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::sync::oneshot;

use super::*;
use crate::driver::now;

const BOUND: u64 = 250;

#[test]
fn a_mode_is_strict_or_a_duration_with_its_unit() {
    let parsed = |text: &str| text.parse::<Freshness>();
    let bounded = |millis| Ok(Freshness::Bounded(Duration::from_millis(millis)));
    for text in ["strict", "0", "0ms", "0s", "0min", "000ms"] {
        assert_eq!(parsed(text), Ok(Freshness::Strict), "{text}");
    }
    assert_eq!(parsed("250ms"), bounded(250));
    assert_eq!(parsed("2s"), bounded(2_000));
    assert_eq!(parsed("60min"), bounded(3_600_000));
    for text in [
        "",
        "5",
        "ms",
        "-1ms",
        "+1ms",
        "1.5s",
        "1 s",
        "1S",
        "1h",
        "61min",
        "3601s",
        "strictly",
        "1strict",
        "99999999999999999999ms",
        "18446744073709551615min",
        "٣s",
        "1ms ",
    ] {
        assert!(parsed(text).is_err(), "{text}");
    }
    let told = ["strict", "250ms", "2s"].map(|text| parsed(text).unwrap().to_string());
    assert_eq!(told, ["strict", "250ms", "2s"]);
    assert_eq!(Freshness::Bounded(Duration::ZERO).bound(), None);
}

/// A database of which only the number of commits matters, and whose answers the test lets through.
#[derive(Default)]
struct Far {
    commits: AtomicI64,
    questions: Mutex<Vec<oneshot::Sender<StampsResult>>>,
}

impl Far {
    fn stamps(&self) -> Arc<Stamps> {
        let count = self.commits.load(Ordering::Relaxed);
        Arc::new(Stamps::new([(Tag::ANY, Stamp { count, nonce: count })]))
    }
}

impl StampSource for Far {
    fn current(&self) -> Current {
        let (question, answer) = oneshot::channel();
        self.questions.lock().unwrap().push(question);
        Current::Pending(Box::pin(async { answer.await.unwrap() }))
    }

    fn is_shared(&self) -> bool {
        true
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Write {
        is_own: bool,
    },
    Ask {
        is_strict: bool,
    },
    /// The database looks at its state for a question that is under way.
    Look(Index),
    /// An answer arrives.
    Arrive(Index),
    /// A build has read what is newer than the stamps held.
    ReadNewer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2 * BOUND).prop_map(Step::Wait),
        any::<bool>().prop_map(|is_own| Step::Write { is_own }),
        any::<bool>().prop_map(|is_strict| Step::Ask { is_strict }),
        any::<Index>().prop_map(Step::Look),
        any::<Index>().prop_map(Step::Arrive),
        Just(Step::ReadNewer),
    ]
}

/// A question under way: what its asker must see, the state that the database has seen, and both ends.
struct UnderWay {
    floor: i64,
    seen: Option<Arc<Stamps>>,
    question: oneshot::Sender<StampsResult>,
    answer: Current,
}

fn count(stamps: &Stamps) -> i64 {
    stamps.stamp(&Tag::ANY).count
}

proptest! {
    // The promise: a strict asker sees each commit before it; any other sees the own ones before it, and those of
    // others that are older than the bound. Answers arrive in any order, and are of any state since the question
    // began.
    #[test]
    fn nothing_is_older_than_promised(steps in prop::collection::vec(step(), 0..60)) {
        let far = Arc::new(Far::default());
        let bounded = BoundedStamps::new(far.clone(), Duration::from_millis(BOUND));
        let (mut clock, mut own) = (1_000_u64, 0);
        // The time of each commit.
        let mut commits: Vec<u64> = Vec::new();
        let mut under_way: Vec<UnderWay> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(millis) => clock += millis,
                Step::Write { is_own } => {
                    commits.push(clock);
                    far.commits.fetch_add(1, Ordering::Relaxed);
                    if is_own {
                        own = commits.len() as i64;
                        bounded.discard();
                    }
                }
                Step::Ask { is_strict } => {
                    let aged = commits.iter().filter(|at| **at + BOUND <= clock).count() as i64;
                    let floor = if is_strict { commits.len() as i64 } else { own.max(aged) };
                    let ask = || bounded.current_at(Duration::from_millis(clock));
                    let answer = if is_strict { STRICTLY.sync_scope((), ask) } else { ask() };
                    match answer {
                        Current::Ready(answer) => {
                            prop_assert!(!is_strict, "a strict request asks");
                            prop_assert!(count(&answer.unwrap()) >= floor);
                        }
                        answer => {
                            let question = far.questions.lock().unwrap().pop().unwrap();
                            under_way.push(UnderWay { floor, seen: None, question, answer });
                        }
                    }
                }
                Step::Look(_) | Step::Arrive(_) if under_way.is_empty() => {}
                Step::Look(which) => {
                    let which = which.index(under_way.len());
                    under_way[which].seen.get_or_insert_with(|| far.stamps());
                }
                Step::Arrive(which) => {
                    let arrived = under_way.swap_remove(which.index(under_way.len()));
                    let seen = arrived.seen.unwrap_or_else(|| far.stamps());
                    arrived.question.send(Ok(seen)).unwrap();
                    let stamps = now(arrived.answer.get()).unwrap();
                    prop_assert!(count(&stamps) >= arrived.floor);
                }
                Step::ReadNewer => {
                    let held = lock(&bounded.held).as_ref().map(|held| held.stamps.clone());
                    if let Some(held) = held {
                        bounded.outdated(&held);
                        prop_assert!(lock(&bounded.held).is_none());
                    }
                }
            }
        }
    }
}

#[test]
fn within_the_bound_one_question_answers_all() {
    let far = Arc::new(Far::default());
    let bounded = BoundedStamps::new(far.clone(), Duration::from_millis(BOUND));
    let at = |millis| bounded.current_at(Duration::from_millis(millis));
    let first = at(1_000);
    far.questions.lock().unwrap().pop().unwrap().send(Ok(far.stamps())).unwrap();
    now(first.get()).unwrap();
    for millis in [1_000, 1_001, 1_249] {
        assert!(matches!(at(millis), Current::Ready(Ok(_))), "{millis}");
    }
    // The bound counts from when the question began, and a clock that went back says nothing.
    for millis in [1_250, 999] {
        assert!(matches!(at(millis), Current::Pending(_)), "{millis}");
    }
}
