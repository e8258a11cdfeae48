//! Composes the record of a request from all that was observed.
//!
//! - Headers are those that would have been sent without the toolbar.
//! - A record is bounded: see [`super::room`].

use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LOCATION,
};

use super::body::Copied;
use super::head::{Head, fields, headers};
use super::inject::is_html;
use super::node::Node;
use super::record::{
    CacheNode, Kind, Moved, Record, Request, Response, Sql, Template, Times, Wait,
};
use super::redact::{Values, redact};
use super::room::Room;
use super::seen::{Seen, Watched};
use super::statement::redacted;
use super::tree::{Mover, tree};
use super::verdict::{self, Answer};
use crate::cache::event::Outcome;
use crate::cache::http::EntityTag;
use crate::cache::page::CacheStatus;
use crate::cache::{Level, Stamp, Tag};
use crate::moves::Move;
use crate::rendered::Rendered;
use crate::secrets::{HIDDEN, is_named};
use crate::sql::{Statement, Wait as Waiting};

/// About what the name of a tag takes, in bytes.
const TAG: usize = 40;

/// The most statements, templates and the like of one request, and the most bytes of each list.
const ROOM: (usize, usize) = (500, 256 << 10);

/// A response, recorded before the script is added to it.
pub struct Answered {
    status: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    cache: Option<CacheStatus>,
    bytes: Option<u64>,
    route: Option<String>,
    accepted: Vec<HeaderValue>,
    errors: Vec<String>,
}

impl Answered {
    /// Records a response to a client that accepts these codings.
    pub fn of(
        response: &ServiceResponse<BoxBody>,
        accepted: &[HeaderValue],
        errors: fn(&Error) -> Vec<String>,
    ) -> Self {
        Self {
            status: response.status().as_u16(),
            // A list, which takes less time to make than another map.
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            cache: CacheStatus::of(response.response()),
            bytes: match response.response().body().size() {
                BodySize::Sized(bytes) => Some(bytes),
                BodySize::None => Some(0),
                BodySize::Stream => None,
            },
            route: response.request().match_pattern(),
            accepted: accepted.to_vec(),
            errors: response.response().error().map(errors).unwrap_or_default(),
        }
    }

    /// Reports whether the record can be composed later: it holds no secret that would stay in memory until then, and
    /// needs no other request, since everything was found in the cache.
    pub fn can_wait(&self, head: &Head, seen: &Seen) -> bool {
        let is_hit = |outcome: &Outcome| matches!(outcome, Outcome::Hit);
        head.is_harmless()
            && !self.headers.iter().any(|(name, _)| is_named(name.as_str()))
            && seen.logged.statements.is_empty()
            && seen.recorded.lines.is_empty()
            && seen.recorded.values.is_empty()
            && seen.moved.is_empty()
            && seen.recorded.nodes.iter().all(|node| is_hit(&node.outcome))
    }
}

fn kind(status: u16, headers: &HeaderMap) -> Kind {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = |is: &str| {
        let name = is.split(';').next().unwrap_or_default().trim();
        name == "application/json" || name.ends_with("+json")
    };
    match content_type {
        _ if location(headers).is_some() && (300..400).contains(&status) => Kind::Redirect,
        _ if is_html(headers) => Kind::Page,
        Some(content_type) if is_json(content_type) => Kind::Json,
        _ => Kind::Other,
    }
}

fn location(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(LOCATION)?.to_str().ok()?.to_owned())
}

/// Returns about how many bytes the record of a hit takes, before and after it is composed.
pub fn bytes_of(head: &Head, seen: &Seen) -> usize {
    let stamp = size_of::<(Tag, Stamp)>() + TAG;
    let nodes = seen.recorded.nodes.iter();
    let nodes = nodes.map(|node| {
        let stamps = node.entry.as_ref().map_or(0, |entry| entry.stamps.len());
        size_of::<Node>() + node.key.as_str().len() * 2 + stamps * stamp
    });
    head.bytes() + nodes.sum::<usize>()
}

/// Composes the record of a request; `emptied` belongs to the tags that it invalidated.
pub fn record(
    watched: Watched,
    (mut request, mut secrets): (Request, Values),
    form: Option<Copied>,
    answered: Answered,
    seen: Seen,
    emptied: Vec<[u64; 3]>,
    mover: Mover<'_>,
) -> Record {
    let composing = Instant::now();
    let mut room = Room::default();
    if let Some(form) = form {
        match form.text() {
            Some(form) => request.form = fields(&form, &request.path, &mut secrets),
            None => room.cut.push("The form is not shown (size limit).".to_owned()),
        }
    }
    let nodes = &seen.recorded.nodes;
    let Answered { status, headers: sent, cache, bytes, route, accepted, errors } = answered;
    let mut sent: HeaderMap = sent.into_iter().collect();
    let answer = Answer { headers: &sent, status: cache, bytes, accepted: &accepted, nodes };
    let verdict = verdict::verdict(&answer);
    let coding = verdict::coding(&answer);
    if let Some(coding) = coding {
        code(&mut sent, coding);
    }
    let statements = seen.logged.statements.iter();
    let sql = statements.map(|ran| statement(ran, watched.started, &mut secrets)).collect();
    let sql = room.fit("statements", sql, ROOM, seen.logged.left_out, size_of_sql);
    let cache = room.fit("lookups", tree(nodes, mover), ROOM, seen.recorded.left_out, size_of_node);
    let values_took: Duration = seen.recorded.values.iter().map(|call| call.took).sum();
    let templates = templates(&seen, watched.started);
    let templates = room.fit("templates", templates, ROOM, 0, |template| template.name.len());
    let (values, values_left_out) = (seen.recorded.values, seen.recorded.values_left_out);
    let values = room.fit("calls to values", values, ROOM, values_left_out, |call| call.key.len());
    let lines_left_out = seen.recorded.lines_left_out;
    let rendering = took(&templates);
    let statements = seen.logged.statements.iter().filter(|ran| !ran.is_check);
    let sql_took = statements.map(|ran| ran.took);
    let waits = seen.logged.waits.iter().map(|wait| waited(wait, watched.started)).collect();
    let waits = room.fit("waits", waits, ROOM, 0, |_| 0);
    let took_of = |is_flight: bool| {
        let is_so = move |node: &&Node| (node.outcome == Outcome::Collapsed) == is_flight;
        nodes.iter().filter(is_so).map(|node| node.took).sum::<Duration>()
    };
    let (lookups, flight) = (took_of(false), took_of(true));
    let freshness: Duration = seen.recorded.checks.iter().sum();
    // The lookup of a page begins with its freshness check, which counts by itself.
    let has_page = nodes.iter().any(|node| node.level == Level::Page);
    let in_lookups = if has_page { freshness } else { Duration::ZERO };
    let time = Times {
        wall: seen.wall,
        cpu: seen.processor + seen.logged.processor,
        sql: sql_took.sum(),
        cache: (lookups + values_took).saturating_sub(in_lookups),
        freshness,
        checks: seen.recorded.checks.len() as u32,
        connection: waits.iter().map(|wait| wait.took).sum(),
        flight,
        rendering,
        store: seen.spent.waited,
        round_trips: seen.spent.round_trips,
        codec: seen.spent.coding,
        toolbar: watched.own + seen.logged.unlogged + composing.elapsed(),
    };
    let log = room.fit("lines of the log", seen.recorded.lines, ROOM, lines_left_out, |line| {
        line.message.len() + line.target.len()
    });
    request.route = route;
    let mut record = Record {
        id: watched.id,
        began: watched.began,
        request,
        response: Response {
            status,
            kind: kind(status, &sent),
            headers: headers(sent.iter(), &mut secrets),
            bytes,
            location: location(&sent),
            errors,
        },
        verdict,
        time,
        cache,
        values,
        sql,
        waits,
        moved: moved(&seen.moved, emptied),
        templates,
        log,
        cut: room.cut,
        bytes: room.bytes,
    };
    redact(&mut record, &secrets);
    record
}

/// Changes the headers to those of the response in this coding.
fn code(headers: &mut HeaderMap, coding: crate::cache::http::Coding) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    let tag = headers.get(ETAG).and_then(|tag| EntityTag::parse(tag.as_bytes()));
    if let Some(tag) = tag.and_then(|tag| tag.in_coding(coding).print()) {
        headers.insert(ETAG, tag);
    }
}

fn statement(ran: &Statement, started: Instant, secrets: &mut Values) -> Sql {
    let (sql, is_secret) = redacted(&ran.sql, ran.binds.len());
    let binds = ran.binds.iter().zip(is_secret).map(|(bind, is_secret)| {
        if !is_secret {
            return bind.clone();
        }
        secrets.add_bind(bind);
        HIDDEN.to_owned()
    });
    let binds = binds.collect::<Vec<_>>().into_iter().take(100);
    Sql {
        sql,
        binds: binds.collect(),
        kind: ran.kind,
        at: ran.began.saturating_duration_since(started),
        took: ran.took,
        rows: None,
        error: ran.error.clone(),
        connection: ran.connection,
        caller: ran.caller.clone(),
        for_key: ran.for_key.clone(),
        trace: ran.trace.clone(),
    }
}

fn waited(wait: &Waiting, started: Instant) -> Wait {
    Wait {
        pool: wait.pool,
        at: wait.began.saturating_duration_since(started),
        took: wait.took,
        for_key: wait.for_key.clone(),
    }
}

fn size_of_sql(sql: &Sql) -> usize {
    let rest =
        [&sql.error, &sql.caller, &sql.for_key].map(|text| text.as_ref().map_or(0, String::len));
    sql.sql.len() + sql.binds.iter().map(String::len).sum::<usize>() + rest.iter().sum::<usize>()
}

fn size_of_node(node: &CacheNode) -> usize {
    let tags: usize = node.tags.iter().map(String::len).sum();
    // The key counts twice, since it is stored whole and in parts.
    node.raw_key.len() * 2 + tags + node.children.iter().map(size_of_node).sum::<usize>()
}

/// Returns the rendered templates, each with the fragments that were looked up meanwhile.
fn templates(seen: &Seen, started: Instant) -> Vec<Template> {
    let of = |rendered: &Rendered| {
        let from = rendered.began.saturating_duration_since(started);
        let until = from + rendered.took;
        let fragments =
            seen.recorded.nodes.iter().filter(|node| {
                node.level == Level::Fragment && node.at >= from && node.at <= until
            });
        let shown = fragments.map(|node| {
            let is_kept = matches!(node.outcome, Outcome::Hit | Outcome::SharedHit);
            (node.key.name().to_owned(), is_kept)
        });
        Template {
            name: rendered.name.to_owned(),
            took: rendered.took,
            bytes: rendered.bytes as u64,
            fragments: shown.collect(),
        }
    };
    seen.rendered.iter().map(of).collect()
}

fn took(templates: &[Template]) -> Duration {
    templates.iter().map(|template| template.took).sum()
}

fn moved(moves: &[Move], emptied: Vec<[u64; 3]>) -> Vec<Moved> {
    let tags = moves.iter().map(|moved| moved.tag.to_string());
    tags.zip(emptied).map(|(tag, emptied)| Moved { tag, emptied }).collect()
}

/// Returns all nodes of a tree, each before its children.
pub fn all(nodes: &[CacheNode]) -> Vec<&CacheNode> {
    nodes.iter().flat_map(|node| std::iter::once(node).chain(all(&node.children))).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::HttpResponse;
    use actix_web::http::header::SET_COOKIE;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::cache::meter::Spent;
    use crate::sql::Logged;
    use crate::toolbar::recorder::Recorded;

    fn can_wait(
        target: &str,
        (header, value): (&'static str, &'static str),
        response: HttpResponse,
    ) -> bool {
        let seen = Seen {
            recorded: Recorded::default(),
            logged: Logged::default(),
            spent: Spent::default(),
            rendered: Vec::new(),
            moved: Vec::new(),
            processor: Duration::ZERO,
            wall: Duration::ZERO,
        };
        let request = TestRequest::get().uri(target).insert_header((header, value));
        let head = Head::of(&request.to_srv_request(), None);
        let response = TestRequest::default().to_srv_response(response);
        Answered::of(&response, &[], |_| Vec::new()).can_wait(&head, &seen)
    }

    #[test]
    fn what_holds_a_secret_is_not_stored_uncomposed() {
        let plain = || HttpResponse::Ok().body("tea");
        let accept = ("accept", "text/html");
        for target in ["/", "/?q=tea&page=2", "/posts/7"] {
            assert!(can_wait(target, accept, plain()), "{target}");
        }
        for target in ["/?token=hush-hush", "/?next=/a%3Ftoken%3Dhush", "/reset-password/hush"] {
            assert!(!can_wait(target, accept, plain()), "{target}");
        }
        for header in [("cookie", "sid=hush"), ("referer", "http://localhost/?token=hush")] {
            assert!(!can_wait("/", header, plain()), "{header:?}");
        }
        let mut with_cookie = plain();
        with_cookie.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("sid=hush"));
        assert!(!can_wait("/", accept, with_cookie), "of the response");
    }
}
