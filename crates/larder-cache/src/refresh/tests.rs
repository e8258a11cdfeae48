//! Sources that are slow, fail, or never answer, on a paused clock.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::builder::Builder;
use crate::in_process::InProcess;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

/// A source that answers after a second: how often it was asked, or an error.
#[derive(Clone, Default)]
struct Source {
    asked: Arc<AtomicU32>,
}

impl Source {
    async fn ask(self, works: bool) -> Result<u32, &'static str> {
        let times = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(SECOND).await;
        if works { Ok(times) } else { Err("down") }
    }

    async fn get(
        &self,
        cache: &Cache,
        policy: Policy,
        works: bool,
    ) -> Result<u32, Failure<&'static str>> {
        let source = self.clone();
        let key = Key::named("test").build();
        let value = cache.get_or_refresh(&key, &policy, move || source.ask(works)).await;
        value.map(|value| *value)
    }
}

fn open() -> Cache {
    Builder::default().open(Arc::new(InProcess::new()))
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_are_valid_and_do_not_overflow() {
    let policy = |lifetime| {
        let ever = Duration::MAX;
        let policy = Policy::fresh_for(lifetime).stale_if_error(ever).retry_after(ever);
        policy.soft_timeout(ever).hard_timeout(ever)
    };
    for (lifetime, asked) in [(Duration::MAX, 1), (SECOND, 2)] {
        let (cache, source) = (open(), Source::default());
        assert_eq!(source.get(&cache, policy(lifetime), true).await, Ok(1));
        for _ in 0..2 {
            tokio::time::advance(1_000 * 24 * 3_600 * SECOND).await;
            assert_eq!(source.get(&cache, policy(lifetime), false).await, Ok(1));
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_impatient_callers_make_one_load() {
    let (cache, source) = (open(), Source::default());
    let all = (0..100).map(|_| source.get(&cache, MINUTE, true));
    let all = futures_util::future::join_all(all).await;
    assert!(all.into_iter().all(|value| value == Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn an_old_value_is_served_while_it_is_made_anew() {
    let (cache, source) = (open(), Source::default());
    let policy = MINUTE.stale_while_revalidate(60 * SECOND);
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    tokio::time::advance(61 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_value_near_its_end_is_made_anew_behind_the_answer() {
    let (cache, source) = (open(), Source::default());
    let policy = MINUTE.refresh_before(30 * SECOND);
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    tokio::time::advance(40 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(2));
    assert_eq!(source.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_value_replaces_a_failure_and_a_slow_load_whose_result_is_kept() {
    let (cache, source) = (open(), Source::default());
    let policy = MINUTE.stale_if_error(600 * SECOND).soft_timeout(SECOND / 10);
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    tokio::time::advance(61 * SECOND).await;
    assert_eq!(source.get(&cache, policy, false).await, Ok(1), "fails");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(1), "takes too long");
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(3), "the late result was kept");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_failed_is_not_asked_again_for_a_while() {
    let policies = [
        MINUTE.stale_if_error(600 * SECOND),
        MINUTE.stale_while_revalidate(600 * SECOND),
        Policy::fresh_for(600 * SECOND).refresh_before(540 * SECOND),
    ];
    for policy in policies.map(|policy| policy.retry_after(10 * SECOND)) {
        let (cache, source) = (open(), Source::default());
        let asked = || source.asked.load(Ordering::SeqCst);
        assert_eq!(source.get(&cache, policy, true).await, Ok(1));
        tokio::time::advance(61 * SECOND).await;
        for _ in 0..5 {
            assert_eq!(source.get(&cache, policy, false).await, Ok(1));
            tokio::time::sleep(2 * SECOND).await;
        }
        assert_eq!(asked(), 2, "{policy:?}");
        tokio::time::advance(10 * SECOND).await;
        assert_eq!(source.get(&cache, policy, false).await, Ok(1));
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(asked(), 3, "{policy:?}");
        tokio::time::advance(10 * SECOND).await;
        let _ = source.get(&cache, policy, true).await;
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(source.get(&cache, policy, true).await, Ok(4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_failed_is_asked_where_there_is_no_old_value() {
    let (cache, source) = (open(), Source::default());
    let policy = MINUTE.stale_if_error(60 * SECOND).retry_after(600 * SECOND);
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    tokio::time::advance(61 * SECOND).await;
    assert_eq!(source.get(&cache, policy, false).await, Ok(1));
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_times_out_gets_an_error_and_the_load_continues() {
    let (cache, source) = (open(), Source::default());
    let policy = MINUTE.hard_timeout(SECOND / 10);
    assert_eq!(source.get(&cache, policy, true).await, Err(Failure::TimedOut));
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(source.get(&cache, policy, true).await, Ok(1));
    assert_eq!(source.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn without_an_old_value_a_failure_is_the_callers() {
    let (cache, source) = (open(), Source::default());
    assert_eq!(source.get(&cache, MINUTE, false).await, Err(Failure::Load("down")));
    assert_eq!(source.get(&cache, MINUTE, true).await, Ok(2), "errors are not kept");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_is_one_that_failed() {
    let cache = open();
    let key = Key::named("test").build();
    let policy = MINUTE.stale_if_error(60 * SECOND);
    let get = async |panics: bool| {
        let load = move || async move {
            tokio::time::sleep(SECOND).await;
            if panics {
                std::panic::resume_unwind(Box::new("as the test asks"))
            }
            Ok::<u32, &str>(1)
        };
        cache.get_or_refresh(&key, &policy, load).await.map(|value| *value)
    };
    let both = futures_util::future::join(get(true), get(true)).await;
    assert_eq!(both, (Err(Failure::Panicked), Err(Failure::Elsewhere)));
    assert_eq!(get(false).await, Ok(1));
    tokio::time::advance(61 * SECOND).await;
    assert_eq!(get(true).await, Ok(1), "the old value stands in for it");
}

/// A load that hangs does not block callers for ever, nor does one whose callers timed out.
#[tokio::test(start_paused = true)]
async fn a_load_that_hangs_is_replaced_after_a_while() {
    let (cache, source) = (open(), Source::default());
    let key = Key::named("test").build();
    for policy in [MINUTE, MINUTE.hard_timeout(SECOND)] {
        let hanging =
            cache.get_or_refresh(&key, &policy, std::future::pending::<Result<u32, &str>>);
        let hanging = tokio::time::timeout(SECOND, hanging).await;
        assert!(!matches!(hanging, Ok(Ok(_))));
        tokio::time::advance(if policy == MINUTE { SECOND } else { 10 * SECOND }).await;
        let policy = policy.hard_timeout(20 * SECOND);
        assert!(source.get(&cache, policy, true).await.is_ok());
        cache.delete::<u32>(&key).await.unwrap();
    }
}
