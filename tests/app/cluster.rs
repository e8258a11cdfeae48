//! A Redis Cluster that instances share.

use std::thread;

use crate::sentinels::{Shops, refusal};
use crate::support::{
    Cluster, Database, Program, Redis, TestSite, address_of_its_own, larder, until,
};

fn open(cluster: &Cluster) -> Shops {
    Shops::open(&cluster.url(), || cluster.used().is_some())
}

#[test]
fn a_killed_primary_of_a_cluster_costs_misses_only() {
    let Some(mut cluster) = Cluster::start() else { return };
    let mut shops = open(&cluster);
    let used = cluster.used().unwrap();
    cluster.servers[used].dies();
    shops.serve_until("a replica is promoted", || cluster.promoted().is_some());
    shops.share_through(cluster.promoted().unwrap());
}

#[test]
fn slots_that_move_cost_misses_only() {
    let Some(cluster) = Cluster::start() else { return };
    let mut shops = open(&cluster);
    thread::scope(|scope| {
        let moves = scope.spawn(|| {
            for turn in 0..9 {
                cluster.move_slots(turn % 3, (turn + 1) % 3);
            }
        });
        shops.serve_until("the slots have moved", || moves.is_finished());
        moves.join().unwrap();
    });
    for site in [&shops.here, &shops.there] {
        assert!(site.get("/health/ready").html().contains("\"redis\":\"ok\""));
    }
}

#[test]
fn the_cache_command_reads_and_clears_a_whole_cluster() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.url();
    let site = TestSite::start_with(Database::Sqlite, &["--redis", &url]);
    site.has_product("Tea");
    until("all primaries have keys", || {
        for page in 0..30 {
            site.get(&address_of_its_own(page)).assert_status(200);
        }
        cluster.servers[..3].iter().all(|server| !server.keys().is_empty())
    });
    let listed = command(&url, "keys");
    assert!(listed.contains("products.list"), "{listed}");
    until("nothing is left, also of what was written behind an answer", || {
        command(&url, "clear");
        cluster.servers[..3].iter().all(|server| server.keys().is_empty())
    });
}

/// Runs `larder cache …` against Redis.
fn command(url: &str, verb: &str) -> String {
    let ended = Program::start(larder(&["cache", "--redis", url, verb])).ends();
    assert!(ended.status.success(), "{ended:?}");
    ended.out
}

#[test]
fn a_server_that_is_in_no_cluster_is_reported() {
    let Some(redis) = Redis::start() else { return };
    let url = format!("redis-cluster://127.0.0.1:{}", redis.port());
    let said = refusal(&["compare", "--redis", &url]);
    assert!(said.contains("cluster support disabled"), "{said}");
}
