//! What the toolbar says of bypasses, freshness checks, loads in tasks of their own, and writes of others.

use serde_json::Value;

use super::queries;
use crate::locks::{begins_to_add, forget};
use crate::support::{Database, Says, TestSite, Upstream, on_both_databases, until};

on_both_databases! {
    a_bypass_rebuilds_the_page_its_fragments_and_its_queries,
    freshness_checks_are_counted_with_their_time,
    a_load_in_a_task_of_its_own_shows_its_time,
    a_write_by_sql_is_noticed_at_a_time,
    a_wait_for_a_connection_has_its_place,
}

/// Returns all nodes of a tree of lookups.
fn nodes(tree: &Value) -> Vec<&Value> {
    let tree = tree.as_array().unwrap().iter();
    tree.flat_map(|node| std::iter::once(node).chain(nodes(&node["children"]))).collect()
}

fn a_bypass_rebuilds_the_page_its_fragments_and_its_queries(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_product("Tea");
    site.get("/").assert_cache("stored");
    site.get("/").assert_cache("hit");
    site.submit("/toolbar/bypass", &[("back", "/")]).assert_sends_to("/");
    let anew = site.get("/");
    assert_eq!(anew.cache().parameter("fwd"), Some("request"));
    let told = site.told(&anew);
    assert_eq!(told["verdict"]["outcome"], "Bypass");
    assert!(!queries(&told).is_empty(), "the database was asked: {told}");
    let nodes = nodes(&told["cache"]);
    for level in ["Fragment", "Query"] {
        let of_level: Vec<_> = nodes.iter().filter(|node| node["level"] == level).collect();
        assert!(!of_level.is_empty(), "{level}: {told}");
        for node in of_level {
            assert_eq!(node["outcome"]["Miss"], "Bypassed", "{node}");
            assert!(node["kept"]["Ok"].is_u64(), "it was stored: {node}");
        }
    }
    let again = site.told(site.get("/").assert_cache("hit"));
    assert!(queries(&again).is_empty(), "{again}");
}

fn freshness_checks_are_counted_with_their_time(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.get("/");
    let hit = site.get("/");
    let timing = hit.assert_cache("hit").header("server-timing").unwrap();
    assert!(timing.contains("freshness;desc=\"1 check\";dur="), "{timing}");
    let told = site.told(&hit);
    assert_eq!(told["time"]["checks"], 1);
    assert!(told["time"]["freshness"].as_f64() > Some(0.0), "{told}");
    let panels = site.get(&format!("/toolbar/requests/{}", hit.id())).text();
    assert!(panels.contains("1 freshness check: "), "{panels}");
    assert!(panels.contains("Freshness check"), "its share of the time: {panels}");
}

fn a_load_in_a_task_of_its_own_shows_its_time(on: Database) {
    let upstream = Upstream::start(Says::Prices(vec![("Tea", "4.9")]));
    let site = TestSite::observed(on, &["--supplier", upstream.url()]);
    let told = site.told(site.get("/supplier").assert_status(200));
    let nodes = nodes(&told["cache"]);
    let load = nodes.iter().find(|node| node["raw_key"].as_str().unwrap().contains("supplier"));
    let load = load.unwrap_or_else(|| panic!("no load in {told}"));
    assert!(load["making"].as_f64() > Some(0.0), "{load}");
    assert!(load["kept"]["Ok"].is_u64(), "{load}");
}

fn a_write_by_sql_is_noticed_at_a_time(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_product("Tea");
    site.get("/");
    site.database.sql("UPDATE products SET title = 'White tea'");
    let missed = site.get("/");
    let told = site.told(missed.assert_cache("stored"));
    let why = &told["cache"][0]["outcome"]["Miss"]["Invalidated"];
    assert_eq!((&why["tag"], &why["by"]), (&"products".into(), &Value::Null));
    assert!(why["at"].as_f64() >= told["began"].as_f64(), "{told}");
    let panels = site.get(&format!("/toolbar/requests/{}", missed.id())).text();
    assert!(panels.contains("The write came from another instance or from SQL"), "{panels}");
}

fn a_wait_for_a_connection_has_its_place(on: Database) {
    /// More than there are connections to write with.
    const WRITERS: usize = 12;
    let site = TestSite::observed(on, &[]);
    site.has_product("Tea");
    let mut forgotten = forget(&site);
    let writers: Vec<_> = (0..WRITERS).map(|_| begins_to_add(&site)).collect();
    until("all of them are in flight", || {
        let others = WRITERS as f64 + 1.0;
        site.figures().get("larder_http_requests_in_flight") == Some(others)
    });
    forgotten.does("COMMIT");
    for writer in writers {
        writer.answer().assert_sends_to("/");
    }
    let waits = site.figures().sum("larder_sql_pool_waits_total", &[r#"pool="writer""#]);
    assert!(waits >= 1.0, "more writers than connections");
    let history = site.get("/toolbar/requests?format=json").json();
    let ids = history.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap());
    let waited = ids.filter_map(|id| {
        let answer = site.get(&format!("/toolbar/requests/{id}?format=json")).json();
        let took = answer["record"]["time"]["connection"].as_f64().unwrap();
        (took > 0.0).then(|| (id, answer["record"]["waits"][0]["pool"].clone()))
    });
    let waited: Vec<_> = waited.collect();
    let (id, pool) = waited.first().expect("one of them waited");
    assert_eq!(pool, "writer");
    let panels = site.get(&format!("/toolbar/requests/{id}")).text();
    assert!(panels.contains("1 wait for a connection: "), "{panels}");
    assert!(panels.contains("Waiting for a connection"), "its share of the time: {panels}");
}
