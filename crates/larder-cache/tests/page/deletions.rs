//! Deleted pages: pages that are being built, pages of other instances, and all variants.

use std::sync::Arc;

use larder_cache::InProcess;
use larder_cache::inspect::Inspection;
use larder_cache::page::Rules;
use larder_cache::store::MemoryStore;
use larder_cache::store::Store;

use super::reply::{Gate, Reply};
use super::site::{Plan, Site, until, wait_for};

/// Returns the key of the stored page at `/`.
fn key(site: &Site) -> String {
    let listing = wait_for(site.cache.inspect().keys("page:*", 10)).unwrap();
    listing.keys[0].key.clone()
}

type Way = fn(&Inspection, &str);

const WAYS: [Way; 3] = [
    |by_hand, key| _ = wait_for(by_hand.delete(key)).unwrap(),
    |by_hand, _| _ = wait_for(by_hand.clear()).unwrap(),
    |by_hand, key| _ = wait_for(by_hand.end(key)).unwrap(),
];

#[test]
fn a_deleted_page_that_is_being_built_is_neither_stored_nor_waited_for() {
    for (way, is_here) in WAYS.into_iter().flat_map(|way| [(way, true), (way, false)]) {
        let (versions, store) = (Arc::new(InProcess::new()), store());
        let gate = Gate::closed();
        let known = gate.clone();
        let plan = Plan::of(Rules::respecting()).workers(2).sharing(&versions, &store);
        let here = plan
            .replies(move |asked| {
                let reply = Reply::fresh(asked.nth.to_string());
                if asked.nth == 2 { reply.behind(&known) } else { reply }
            })
            .open();
        let plan = Plan::of(Rules::respecting()).sharing(&versions, &store);
        let there = plan.replies(|_| Reply::fresh("made there")).open();
        assert_eq!(here.get("/").text(), "1");
        let key = key(&here);
        way(&here.cache.inspect(), &key);
        std::thread::scope(|scope| {
            let held = scope.spawn(|| here.get("/"));
            until("it is being made", || (here.calls("/") == 2).then_some(()));
            way(&if is_here { &here } else { &there }.cache.inspect(), &key);
            // The gate stays closed, so a request that waited for the old page would never be
            // answered.
            assert_eq!(here.get("/").text(), "3");
            gate.open();
            assert_eq!(held.join().unwrap().text(), "2", "its visitor was there before");
        });
        assert_eq!(here.get("/").text(), "3");
        until("the instances agree", || (there.get("/").text() == "3").then_some(()));
    }
}

#[test]
fn a_deleted_page_takes_its_variants_along_in_every_instance() {
    let (versions, store) = (Arc::new(InProcess::new()), store());
    let open = |name: &'static str| {
        let plan = Plan::of(Rules::respecting()).sharing(&versions, &store);
        let reply = move |nth: usize| Reply::fresh(format!("{name} {nth}"));
        plan.replies(move |asked| reply(asked.nth).with("Vary", "Accept-Language")).open()
    };
    let (here, there) = (open("here"), open("there"));
    let languages = ["Accept-Language: de", "Accept-Language: fr"];
    let bodies = |site: &Site| languages.map(|line| site.ask("GET", "/", &[line]).text());
    let before = bodies(&here);
    until("what was made is shared", || (bodies(&there) == before).then_some(()));
    wait_for(here.cache.inspect().delete(&key(&here))).unwrap();
    for site in [&there, &here] {
        let after = bodies(site);
        assert!(before.iter().all(|old| !after.contains(old)), "{before:?}, then {after:?}");
    }
}

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}
