//! One request under observation, from its beginning to its response.
//!
//! - Every observer belongs to the task, so requests that run at the same time never mix.
//! - The toolbar's own time is recorded apart from that of the request.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};

use super::compose::{self, Answered};
use super::incoming::Incoming;
use super::recorder;
use super::redact::Values;
use super::seen::{Seen, Watched};
use super::tree::Mover;
use super::{inject, processor, server_timing};
use crate::cache::meter::Spent;
use crate::cache::tracking;
use crate::request_id::RequestId;
use crate::state::PanelState;
use crate::{moves, rendered, sql};

/// Most entries that are searched for the dependents of invalidated tags.
const LOOKED_AT: usize = 20_000;

/// Begins to observe a request, and changes its headers as the toolbar needs them.
pub fn begin(request: &mut ServiceRequest, state: &PanelState) -> Watched {
    let (began, started) = (SystemTime::now(), Instant::now());
    let id = RequestId::current().unwrap_or_default();
    let incoming = state.lists(request.path()).then(|| Incoming::of(request, state));
    Watched { id, incoming, began, started, own: started.elapsed() }
}

/// Answers a request and stores its record.
pub async fn watch(
    mut watched: Watched,
    state: &PanelState,
    work: impl Future<Output = Result<ServiceResponse<BoxBody>, Error>>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (response, seen) = see(&watched, work).await;
    let mut response = response?;
    // Only now it is known who the client is.
    if !(state.hooks.confirms)(response.request()) {
        return Ok(response);
    }
    let memory = &state.memory;
    let finishing = Instant::now();
    // Recorded before anything is added to the response.
    let incoming = watched.incoming.take();
    let incoming = incoming.map(|incoming| {
        (Answered::of(&response, &incoming.accepted, state.hooks.errors), incoming)
    });
    let (id, wall) = (watched.id, seen.wall);
    let statements = &seen.logged.statements;
    let checks = &seen.recorded.checks;
    let timing = (id, wall, &checks[..]);
    server_timing::write(response.headers_mut(), timing, statements, &seen.recorded.nodes);
    let Some((answered, incoming)) = incoming else { return Ok(response) };
    memory.moved(&seen.moved, id);
    let stamps: Vec<_> = seen.moved.iter().map(|moved| (moved.tag.clone(), moved.from)).collect();
    let emptied = match stamps.is_empty() {
        true => Vec::new(),
        false => state.cache.inspect().dependents_of(&stamps, LOOKED_AT),
    };
    if incoming.is_page && inject::can_carry(&response) {
        let line = state.script.get_or_init(|| inject::line(&state.at));
        response = inject::inject(response, line);
    }
    let mover = |tag: &_, stamp| {
        let by_request = memory.mover_of(tag, stamp).map(|(at, by)| (at, Some(by)));
        by_request.or_else(|| state.counts.noticed.at(tag, stamp).map(|at| (at, None)))
    };
    watched.own += finishing.elapsed();
    // A form may hold secrets.
    let can_wait = incoming.form.is_none() && answered.can_wait(&incoming.head, &seen);
    let bytes = compose::bytes_of(&incoming.head, &seen);
    let words = state.hooks.words;
    let compose = move |mover: Mover<'_>| {
        let mut secrets = Values::new(words);
        let request = (incoming.head.read(&mut secrets), secrets);
        Arc::new(compose::record(watched, request, incoming.form, answered, seen, emptied, mover))
    };
    match can_wait {
        // Composing takes longer than all the rest, and most pages that were found are never looked at.
        true => memory.keep_later(id, bytes, move || compose(&|_, _| None)),
        false => memory.keep(compose(&mover)),
    }
    Ok(response)
}

/// Answers a request under all observers.
async fn see<T>(watched: &Watched, work: impl Future<Output = T>) -> (T, Seen) {
    let rebuilds = watched.incoming.as_ref().is_some_and(|incoming| incoming.rebuilds);
    let work = async {
        match rebuilds {
            true => tracking::rebuilding(work).await,
            false => work.await,
        }
    };
    let work = tracking::on_behalf_of(watched.id.0, watched.id.scope(work));
    // Boxed: each observer holds the future that it wraps twice, so their sizes multiply.
    let work = Box::pin(sql::observe(work));
    let work = Spent::by(rendered::observe(moves::observe(work)));
    let work = processor::measure(recorder::record(watched.id.0, watched.started, work));
    let ((((((done, logged), moved), rendered), spent), recorded), processor) = work.await;
    let wall = watched.started.elapsed();
    (done, Seen { recorded, logged, spent, rendered, moved, processor, wall })
}
