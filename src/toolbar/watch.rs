//! One request under observation, from its beginning to its response.
//!
//! - Every observer belongs to the task, so requests that run at the same time never mix.
//! - The toolbar's own time is recorded apart from that of the request.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;

use super::compose::{self, Answered};
use super::memory::Memory;
use super::recorder;
use super::seen::{Seen, Watched};
use super::{inject, processor, server_timing};
use crate::cache::meter::Spent;
use crate::cache::{Cache, tracking};
use crate::db::log::{self, Log};
use crate::site::rendered;

use crate::site::visitor::Visitor;
use crate::sql::moves;

/// Most entries that are searched for the dependents of invalidated tags.
const LOOKED_AT: usize = 20_000;

/// Answers a request and stores its record.
pub async fn watch(
    mut watched: Watched,
    memory: &Memory,
    cache: &Cache,
    work: impl Future<Output = Result<ServiceResponse<BoxBody>, Error>>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (response, seen) = see(&watched, work).await;
    let mut response = response?;
    if watched.is_for_staff && Visitor::of_answered(response.request()).name().is_none() {
        return Ok(response);
    }
    let finishing = Instant::now();
    // Recorded before anything is added to the response.
    let incoming = watched.incoming.take();
    let incoming = incoming.map(|incoming| (Answered::of(&response, &incoming.accepted), incoming));
    let (id, wall) = (watched.id, seen.wall);
    let statements = &seen.logged.statements;
    server_timing::write(response.headers_mut(), id, wall, statements, &seen.recorded.nodes);
    let Some((answered, incoming)) = incoming else { return Ok(response) };
    memory.moved(&seen.moved, id);
    let stamps: Vec<_> = seen.moved.iter().map(|moved| (moved.tag.clone(), moved.from)).collect();
    let emptied = match stamps.is_empty() {
        true => Vec::new(),
        false => cache.inspect().dependents_of(&stamps, LOOKED_AT),
    };
    if incoming.is_page && inject::can_carry(&response) {
        response = inject::inject(response);
    }
    let mover = |tag: &_, stamp| memory.mover_of(tag, stamp);
    watched.own += finishing.elapsed();
    memory.keep(
        compose::record(
            watched,
            (incoming.request, incoming.secrets),
            answered,
            seen,
            emptied,
            &mover,
        )
        .into(),
    );
    Ok(response)
}

/// Answers a request under all observers.
async fn see<T>(watched: &Watched, work: impl Future<Output = T>) -> (T, Seen) {
    let log = Log::default();
    let work = tracking::on_behalf_of(watched.id.0, watched.id.scope(work));
    let work = log::observe(log.clone(), work);
    let work = Spent::by(rendered::observe(moves::observe(work)));
    let work = processor::measure(recorder::record(watched.started, work));
    let (((((done, moved), rendered), spent), recorded), processor) = work.await;
    let wall = watched.started.elapsed();
    let logged = log.take();
    (done, Seen { recorded, logged, spent, rendered, moved, processor, wall })
}
