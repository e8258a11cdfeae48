//! Records for tests.

use std::time::{Duration, UNIX_EPOCH};

use super::record::{
    CacheNode, Kind, Level, Outcome, PageOutcome, Record, Request, Response, Sql, SqlKind, Times,
    Verdict,
};
use crate::request_id::RequestId;

/// Returns a request in which nothing happened.
pub fn record() -> Record {
    Record {
        id: RequestId(7),
        began: UNIX_EPOCH,
        request: Request {
            method: "GET".into(),
            path: "/".into(),
            query: Vec::new(),
            route: Some("/".into()),
            version: "HTTP/1.1".into(),
            client: None,
            peer: None,
            headers: Vec::new(),
            cookies: Vec::new(),
            body: None,
            form: Vec::new(),
        },
        response: Response {
            status: 200,
            kind: Kind::Page,
            headers: Vec::new(),
            bytes: None,
            location: None,
            errors: Vec::new(),
        },
        verdict: Verdict {
            outcome: PageOutcome::Hit,
            rule: None,
            status_line: "larder; hit".into(),
            key: Vec::new(),
            raw_key: None,
            varies: Vec::new(),
            age: None,
            fresh_left: None,
            stale_left: None,
            stored_bytes: None,
            sent_bytes: None,
            coding: None,
            level: None,
            saved: None,
        },
        time: Times {
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            sql: Duration::ZERO,
            cache: Duration::ZERO,
            freshness: Duration::ZERO,
            checks: 0,
            connection: Duration::ZERO,
            flight: Duration::ZERO,
            rendering: Duration::ZERO,
            store: Duration::ZERO,
            round_trips: 0,
            codec: Duration::ZERO,
            toolbar: Duration::ZERO,
        },
        cache: Vec::new(),
        values: Vec::new(),
        sql: Vec::new(),
        waits: Vec::new(),
        moved: Vec::new(),
        templates: Vec::new(),
        log: Vec::new(),
        cut: Vec::new(),
        bytes: 0,
    }
}

/// Returns a lookup.
pub fn node(level: Level, name: &str, outcome: Outcome) -> CacheNode {
    CacheNode {
        level,
        name: name.into(),
        key: Vec::new(),
        raw_key: name.into(),
        outcome,
        store: None,
        at: Duration::ZERO,
        took: Duration::ZERO,
        making: None,
        waited: None,
        behind: None,
        kept: None,
        bytes: None,
        age: None,
        left: None,
        tags: Vec::new(),
        saved: None,
        children: Vec::new(),
        caller: None,
        trace: None,
    }
}

/// Returns a query with one bind; all have the same caller.
pub fn query(sql: &str, bind: &str) -> Sql {
    Sql {
        sql: sql.into(),
        binds: vec![bind.into()],
        kind: SqlKind::Query,
        at: Duration::ZERO,
        took: Duration::ZERO,
        rows: None,
        error: None,
        connection: "reader",
        caller: Some("src/posts/service.rs:24".into()),
        for_key: None,
        trace: None,
    }
}
