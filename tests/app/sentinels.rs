//! A shared Redis whose primary is found through sentinels.

use crate::support::{Database, Program, Redis, Sentinels, TestSite, larder, until};

/// Two instances that share entries, and a product that is edited and read on both.
pub struct Shops {
    pub here: TestSite,
    pub there: TestSite,
    tea: u64,
    edits: u32,
}

impl Shops {
    pub fn open(url: &str, are_shared: impl Fn() -> bool) -> Self {
        // A frozen sentinel holds up one request of each connection for as long as this.
        let flags = ["--redis", url, "--redis-timeout", "1000"];
        let here = TestSite::start_with(Database::Sqlite, &flags);
        let there = here.another_instance_with(&flags);
        let tea = here.has_product("Tea");
        let mut shops = Self { here, there, tea, edits: 0 };
        shops.serve_until("entries are shared", are_shared);
        shops
    }

    /// Edits and reads until the condition holds; each request has to succeed and to be fresh.
    pub fn serve_until(&mut self, what: &str, is_so: impl Fn() -> bool) {
        until(what, || {
            self.edits += 1;
            let title = format!("Tea {}.", self.edits);
            self.here.edits(self.tea, &[("title", &title)]).assert_sends_to("/");
            for site in [&self.there, &self.here] {
                site.get("/").assert_status(200).assert_sees(&title);
            }
            is_so()
        });
    }

    /// Fails unless entries are shared again, through the server that was promoted.
    pub fn share_through(&mut self, promoted: &Redis) {
        // What it holds now was copied from the old primary.
        promoted.command(&["FLUSHALL"]);
        self.serve_until("the new primary has entries", || !promoted.keys().is_empty());
        for site in [&self.here, &self.there] {
            until("Redis is well", || is_well(site));
        }
    }
}

fn open(redis: &Sentinels) -> Shops {
    Shops::open(&redis.url("shop"), || !redis.primary.keys().is_empty())
}

fn share_through_the_new_primary(mut shops: Shops, redis: &Sentinels) {
    shops.serve_until("the replica is promoted", || redis.is_promoted());
    shops.share_through(&redis.replica);
}

fn is_well(site: &TestSite) -> bool {
    site.get("/health/ready").html().contains("\"redis\":\"ok\"")
}

#[test]
fn a_failover_after_a_death_costs_misses_only() {
    let Some(mut redis) = Sentinels::start() else { return };
    let shops = open(&redis);
    redis.primary.dies();
    share_through_the_new_primary(shops, &redis);
}

/// The old primary lives on as a replica, which takes no writes.
#[test]
fn a_planned_failover_costs_misses_only() {
    let Some(redis) = Sentinels::start() else { return };
    let shops = open(&redis);
    redis.switch();
    share_through_the_new_primary(shops, &redis);
}

#[test]
fn a_frozen_sentinel_hides_no_primary() {
    let Some(mut redis) = Sentinels::start() else { return };
    redis.freeze_the_first();
    let shops = open(&redis);
    // The two others agree on a failover.
    redis.primary.dies();
    share_through_the_new_primary(shops, &redis);
}

#[test]
fn a_name_that_the_sentinels_do_not_know_is_reported() {
    let Some(redis) = Sentinels::start() else { return };
    let url = redis.url("shelf");
    let site = TestSite::start_with(Database::Sqlite, &["--redis", &url]);
    site.has_product("Tea");
    site.get("/").assert_status(200).assert_sees("Tea");
    assert!(!is_well(&site));
    site.wait_for_log("the sentinels know no primary of the name");

    let said = refusal(&["compare", "--redis", &url]);
    assert!(said.contains("the sentinels know no primary of the name") && said.contains("shelf"));
}

/// Returns the one line with which the program ends.
pub fn refusal(arguments: &[&str]) -> String {
    let ended = Program::start(larder(arguments)).ends();
    assert!(!ended.status.success() && ended.err.trim().lines().count() == 1, "{ended:?}");
    ended.err
}

#[test]
fn an_address_that_names_no_primary_is_refused_in_one_sentence() {
    for (url, sentence) in [
        ("redis-sentinel://a:26379,b:26379", "redis-sentinel://HOST:PORT,HOST:PORT/NAME"),
        ("redis-sentinel://a:x/shop", "redis-sentinel://HOST:PORT,HOST:PORT/NAME"),
        ("redis-sentinel://ann:sesame@a/the shop", "no address of Redis sentinels"),
        ("redis-cluster://ann:sesame@a:1,b:x", "redis-cluster://HOST:PORT,HOST:PORT"),
    ] {
        let said = refusal(&["serve", "--redis", url]);
        assert!(said.contains(sentence) && !said.contains("sesame"), "{said}");
    }
}
