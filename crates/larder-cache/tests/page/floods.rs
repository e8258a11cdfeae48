//! A flood of pages or variants stays within its bytes and evicts no entry in use.
//!
//! Attack 49 of `docs/HTTP-CACHE.md`.

use larder_cache::page::Rules;

use super::reply::Reply;
use super::site::{Plan, Site, request};

const MEMORY: u64 = 1 << 20;
const FLOOD: usize = 100_000;
/// How many requests are pipelined at once. The hot page is requested after each batch: often enough that it stays the
/// most frequent one on a busy machine, too, where the map of entries drops some records of reads.
const BATCH: usize = 50;

/// Sends the whole flood over two connections and returns what the cache said when it missed the hot page.
fn flood(site: &Site, ask: impl Fn(usize) -> Vec<u8> + Sync, hot: &[u8]) -> Vec<String> {
    let misses: Vec<Vec<String>> = std::thread::scope(|scope| {
        let half = |first: usize| {
            let (ask, mut line) = (&ask, site.line());
            scope.spawn(move || {
                let mut misses = Vec::new();
                let batches = (first..FLOOD).step_by(2 * BATCH);
                for batch in batches {
                    let mut bytes: Vec<u8> = (batch..batch + BATCH).flat_map(ask).collect();
                    bytes.extend(hot);
                    line.say(bytes);
                    for _ in 0..BATCH {
                        assert_eq!(line.hear().unwrap().status, 200);
                    }
                    let answer = line.hear().unwrap();
                    if !answer.is_hit() {
                        misses.push(answer.fate().to_owned());
                    }
                }
                misses
            })
        };
        let halves = [half(0), half(BATCH)];
        halves.into_iter().map(|half| half.join().unwrap()).collect()
    });
    misses.concat()
}

/// Returns a page that does not expire while a busy machine sends a flood.
fn lasting(body: &str) -> Reply {
    Reply::ok(body).with("Cache-Control", "max-age=86400")
}

fn site() -> Site {
    Plan::of(Rules::respecting())
        .memory(MEMORY)
        .workers(2)
        .replies(|asked| match asked.path.as_str() {
            // A variant that is too long for a key belongs to a response that must not be stored.
            "/varied" if asked.header("x-kind").is_some_and(|kind| kind.len() > 4096) => {
                Reply::fresh("page").with("Vary", "X-Kind").with("Cache-Control", "no-store")
            }
            "/varied" => lasting("page").with("Vary", "X-Kind"),
            _ => lasting("page"),
        })
        .open()
}

#[test]
fn a_flood_of_queries_does_not_evict_the_hot_page() {
    let site = site();
    let hot = request("GET", "/hot", &[]);
    for _ in 0..50 {
        site.send(&hot);
    }
    let misses = flood(&site, |nth| request("GET", &format!("/r?x={nth}"), &[]), &hot);
    assert!(misses.len() <= 2, "the hot page was missed: {misses:?}");
    assert!(site.kept() <= MEMORY, "{}", site.kept());
    assert!(site.send(&hot).is_hit());
}

#[test]
fn a_flood_of_variants_does_not_evict_the_hot_variant() {
    let site = site();
    let hot = request("GET", "/varied", &["X-Kind: hot"]);
    for _ in 0..50 {
        site.send(&hot);
    }
    let ask = |nth| request("GET", "/varied", &[&format!("X-Kind: {nth}")]);
    let misses = flood(&site, ask, &hot);
    assert!(misses.len() <= 2, "the hot variant was missed: {misses:?}");
    assert!(site.kept() <= MEMORY, "{}", site.kept());
    assert!(site.send(&hot).is_hit());
}

/// Existing variants can be rebuilt, however many others were requested and however often.
#[test]
fn existing_variants_are_rebuilt_during_a_flood_of_variants() {
    let site = Plan::of(Rules::respecting())
        .replies(|asked| {
            let said = if asked.nth > 300 { "max-age=60" } else { "max-age=60, stale-if-error=60" };
            // Its age is its lifetime: it is stale at once.
            let old = Reply::ok(asked.header("x-kind").unwrap()).with("Cache-Control", said);
            if asked.nth > 300 { old } else { old.with("Age", "60") }.with("Vary", "X-Kind")
        })
        .open();
    for nth in 0..150 {
        for kind in ["a", "b"] {
            let answer = site.ask("GET", "/", &[&format!("X-Kind: {kind}")]);
            assert!(answer.is_stored(), "{kind} {nth}: {answer:?}");
        }
    }
    let lines = ["X-Kind: a"];
    assert!(site.ask("GET", "/", &lines).is_stored());
    assert!(site.ask("GET", "/", &lines).is_hit());
}

#[test]
fn the_number_of_variants_of_an_address_is_limited() {
    let site = site();
    let ask = |kind: usize| site.ask("GET", "/varied", &[&format!("X-Kind: {kind}")]);
    for kind in 0..300 {
        assert!(ask(kind).is_stored(), "{kind}");
    }
    // 256 variants, and the entry with the names that the address varies on.
    assert!(site.entries() <= 257, "{}", site.entries());
    assert!(ask(299).is_hit() && ask(44).is_hit(), "the last ones are there");
    assert!(ask(0).is_stored(), "the first ones made room");
    let long = format!("X-Kind: {}", "k".repeat(8000));
    for _ in 0..2 {
        let answer = site.ask("GET", "/varied", &[&long]);
        assert!(answer.status == 200 && !answer.is_hit() && !answer.is_stored(), "{answer:?}");
    }
}

/// Junk variants do not keep real ones out, even if they are requested again and followed by more.
#[test]
fn junk_variants_keep_no_real_one_out() {
    let site = site();
    let ask = |kind: &str| site.ask("GET", "/varied", &[&format!("X-Kind: {kind}")]);
    for times in 1..=3 {
        for nth in 0..256 {
            ask(&format!("junk {nth}"));
        }
        let real = format!("real {times}");
        assert!(ask(&real).is_stored() && ask(&real).is_hit(), "{times}");
    }
    let misses = (0..20).filter(|round| {
        let is_miss = !ask("hot").is_hit();
        (0..10).for_each(|nth| assert_eq!(ask(&format!("{round} {nth}")).status, 200));
        is_miss
    });
    let misses = misses.count();
    assert!(misses <= 8, "{misses} of 20");
}

#[test]
fn a_variant_that_is_too_long_keeps_no_other_out() {
    let site = site();
    let ask = |kind: &str| site.ask("GET", "/varied", &[&format!("X-Kind: {kind}")]);
    assert!(ask("real").is_stored() && ask("real").is_hit());
    assert_eq!(ask(&"x".repeat(5_000)).status, 200);
    assert!(ask("real").is_hit());
}
