//! The handler behind a site, and the record of its requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::cookie::Cookie;
use actix_web::dev::ServiceRequest;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use larder_cache::presence::Client;
use larder_cache::{InProcess, Tag};

use super::reply::{Asked, Gate, Reply};

pub type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The header that names the client of a request.
const CLIENT: &str = "x-client";

/// How many requests are recorded; later ones are only counted.
const MEMORY: usize = 1000;

/// The state that all workers share.
pub struct House {
    handler: Arc<Handler>,
    log: Mutex<Log>,
    clients: Mutex<HashMap<String, Client>>,
    /// How many handlers have been called and have not responded.
    running: AtomicUsize,
    pub reads: Option<(Arc<InProcess>, &'static [Tag])>,
    pub reads_again: bool,
    pub changes_after: bool,
}

#[derive(Default)]
struct Log {
    calls: HashMap<String, usize>,
    asked: Vec<Asked>,
}

/// Handles the requests of all routes.
pub async fn route(
    request: HttpRequest,
    body: web::Bytes,
    house: web::Data<House>,
) -> Result<HttpResponse, Error> {
    let reply = (house.handler)(&house.note(&request, &body));
    let _running = Running::begin(&house.running);
    house.read();
    if let Some(gate) = &reply.gate {
        gate.pass().await;
    }
    if house.reads_again {
        house.read();
    }
    house.change();
    reply.respond()
}

/// A handler that has not responded yet.
struct Running<'h>(&'h AtomicUsize);

impl<'h> Running<'h> {
    fn begin(running: &'h AtomicUsize) -> Self {
        running.fetch_add(1, Ordering::SeqCst);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Returns the client of a request, by its `X-Client` header; other clients never leave.
pub fn client_of(request: &ServiceRequest) -> Client {
    let name = request.headers().get(CLIENT).map(|name| name.to_str().unwrap());
    let house = request.app_data::<web::Data<House>>().expect("there is one");
    name.map(|name| house.client(name)).unwrap_or_default()
}

impl House {
    pub fn of(handler: Arc<Handler>) -> Self {
        Self {
            handler,
            log: Mutex::default(),
            clients: Mutex::default(),
            running: AtomicUsize::new(0),
            reads: None,
            reads_again: true,
            changes_after: false,
        }
    }

    /// Returns how often a handler was called for this target.
    pub fn calls(&self, target: &str) -> usize {
        self.log.lock().unwrap().calls.get(target).copied().unwrap_or(0)
    }

    /// Returns the recorded requests for this target.
    pub fn asked(&self, target: &str) -> Vec<Asked> {
        let log = self.log.lock().unwrap();
        log.asked.iter().filter(|asked| asked.target == target).cloned().collect()
    }

    /// Returns how many handlers are running: called, not yet done, and not cancelled.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Returns the client of this name.
    pub fn client(&self, name: &str) -> Client {
        self.clients.lock().unwrap().entry(name.to_owned()).or_default().clone()
    }

    /// Records a read of the tags.
    fn read(&self) {
        if let Some((versions, tags)) = &self.reads {
            versions.reads(tags);
        }
    }

    fn change(&self) {
        if let Some((versions, tags)) = self.reads.as_ref().filter(|_| self.changes_after) {
            versions.bump(tags);
        }
    }

    fn note(&self, request: &HttpRequest, body: &[u8]) -> Asked {
        let target = request.uri().to_string();
        let mut log = self.log.lock().unwrap();
        let calls = log.calls.entry(target.clone()).or_default();
        *calls += 1;
        let connection = request.connection_info().clone();
        let print = |cookie: &Cookie<'_>| format!("{}={};", cookie.name(), cookie.value());
        let cookies = request.cookies().map(|cookies| cookies.iter().map(print).collect());
        let asked = Asked {
            method: request.method().to_string(),
            target,
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            scheme: connection.scheme().to_owned(),
            host: connection.host().to_owned(),
            headers: request.headers().clone(),
            body: String::from_utf8_lossy(body).into_owned(),
            user: request.cookie("sid").map(|cookie| cookie.value().to_owned()),
            cookies: cookies.unwrap_or_default(),
            route: request.match_pattern(),
            file: request.match_info().get("file").map(str::to_owned),
            is_marked: request.extensions().contains::<Gate>(),
            nth: *calls,
        };
        if log.asked.len() < MEMORY {
            log.asked.push(asked.clone());
        }
        asked
    }
}
