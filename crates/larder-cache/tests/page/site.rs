//! A site for each test: handlers under the page cache, on a port of its own.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, HttpServer, web};
use larder_cache::front::{self, Front};
use larder_cache::page::{self, Rules};
use larder_cache::store::Store;
use larder_cache::{Builder, Cache, InProcess, Secret, Tag};

use super::house::{Handler, House, route};
use super::line::{Answer, Line, PATIENCE};
use super::reply::{Asked, Reply};
use super::surroundings::{Side, Surroundings, inside, outside};

/// How long a condition may take to come true, on a machine that is busy with other things.
const DEADLINE: Duration = Duration::from_secs(120);

/// The configuration of a site.
pub struct Plan {
    rules: Rules,
    handler: Arc<Handler>,
    memory: Option<u64>,
    workers: usize,
    is_whole_app: bool,
    is_nested: bool,
    surroundings: Surroundings,
    reads: Option<&'static [Tag]>,
    reads_again: bool,
    changes_after: bool,
    waiting: Option<usize>,
    front: Option<Front>,
    versions: Arc<InProcess>,
    store: Option<Arc<dyn Store>>,
}

impl Plan {
    /// Starts without a canary, so that a page is one call of its handler.
    pub fn of(rules: impl Into<Rules>) -> Self {
        Self {
            rules: rules.into().canary(false),
            handler: Arc::new(super::routes::answer),
            memory: None,
            workers: 1,
            is_whole_app: false,
            is_nested: false,
            surroundings: Surroundings::default(),
            reads: None,
            reads_again: true,
            changes_after: false,
            waiting: None,
            front: None,
            versions: Arc::new(InProcess::new()),
            store: None,
        }
    }

    /// Replaces the routes of the attack list by this handler.
    pub fn replies(mut self, handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        self.handler = Arc::new(handler);
        self
    }

    pub fn with_canary(mut self) -> Self {
        self.rules = self.rules.canary(true);
        self
    }

    pub fn memory(self, bytes: u64) -> Self {
        Self { memory: Some(bytes), ..self }
    }

    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Puts the cache around the whole app instead of its scope.
    pub fn around_the_app(self) -> Self {
        Self { is_whole_app: true, ..self }
    }

    /// Puts the cache around the whole app, and around its scope once more.
    pub fn around_itself(self) -> Self {
        Self { is_nested: true, ..self }
    }

    /// Adds a middleware around the cache that awaits after the response.
    pub fn with_an_outer_wait(mut self) -> Self {
        self.surroundings.waits_after = true;
        self
    }

    /// Adds a middleware around the cache that reads the request's cookies.
    pub fn with_cookies_read_before(mut self) -> Self {
        self.surroundings.reads_cookies_before = true;
        self
    }

    /// Adds a middleware that allows other origins.
    pub fn with_cors(mut self, side: Side) -> Self {
        self.surroundings.cors = Some(side);
        self
    }

    /// Adds a middleware between cache and handler that begins sessions.
    pub fn with_inner_sessions(mut self) -> Self {
        self.surroundings.sets_cookie = true;
        self
    }

    /// Lets handlers read these tags, both before they wait at their gate and after it.
    pub fn reading(self, tags: &'static [Tag]) -> Self {
        Self { reads: Some(tags), ..self }
    }

    /// Lets handlers read these tags only before they wait.
    pub fn reading_once(self, tags: &'static [Tag]) -> Self {
        Self { reads_again: false, ..self.reading(tags) }
    }

    /// Shares the stamps and the store with other instances.
    pub fn sharing(self, versions: &Arc<InProcess>, store: &Arc<dyn Store>) -> Self {
        Self { versions: versions.clone(), store: Some(store.clone()), ..self }
    }

    /// Invalidates the tags that a handler has read as soon as it responds.
    pub fn changing_after_each_call(self) -> Self {
        Self { changes_after: true, ..self }
    }

    /// Limits how many requests may wait for one page.
    pub fn waiting(self, most: usize) -> Self {
        Self { waiting: Some(most), ..self }
    }

    /// Lets a cache in front store pages.
    pub fn behind(self, front: Front) -> Self {
        Self { front: Some(front), ..self }
    }

    pub fn open(self) -> Site {
        let versions = self.versions.clone();
        let options = Builder::default();
        let options = match &self.store {
            Some(store) => options.shared(store.clone(), &Secret::new(&[7; Secret::BYTES])),
            None => options,
        };
        let options = match self.memory {
            Some(bytes) => options.memory(bytes),
            None => options,
        };
        let options = match self.waiting {
            Some(most) => options.waiting(most),
            None => options,
        };
        let options = match self.front {
            Some(front) => options.front(front),
            None => options,
        };
        let cache = options.open(versions.clone());
        let mut house = House::of(self.handler.clone());
        house.reads = self.reads.map(|tags| (versions.clone(), tags));
        (house.reads_again, house.changes_after) = (self.reads_again, self.changes_after);
        let house = Arc::new(house);
        let (address, handle) = serve(self, cache.clone(), house.clone());
        Site { address, handle, cache, versions, house }
    }
}

/// A running site, which ends with its test.
pub struct Site {
    address: SocketAddr,
    handle: ServerHandle,
    pub cache: Cache,
    pub versions: Arc<InProcess>,
    house: Arc<House>,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Site {
    pub fn line(&self) -> Line {
        Line::to(self.address)
    }

    /// Sends a plain `GET`.
    pub fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    /// Sends a request with these header lines beside its host.
    pub fn ask(&self, method: &str, target: &str, lines: &[&str]) -> Answer {
        self.try_ask(method, target, lines).expect("an answer")
    }

    pub fn try_ask(&self, method: &str, target: &str, lines: &[&str]) -> Option<Answer> {
        let mut line = self.line();
        line.say(request(method, target, lines));
        line.hear_of(method)
    }

    /// Sends exactly these bytes and returns the response.
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> Answer {
        self.try_send(bytes).expect("an answer")
    }

    pub fn try_send(&self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let mut line = self.line();
        line.say(bytes);
        line.hear()
    }

    /// Sends all of these at once, each on a thread of its own.
    pub fn together(&self, requests: Vec<Vec<u8>>) -> Vec<Option<Answer>> {
        thread::scope(|scope| {
            let ask = |request: Vec<u8>| scope.spawn(move || self.try_send(request));
            let asked: Vec<_> = requests.into_iter().map(ask).collect();
            asked.into_iter().map(|answer| answer.join().unwrap()).collect()
        })
    }

    /// Returns how often the handler was called for this target.
    pub fn calls(&self, target: &str) -> usize {
        self.house.calls(target)
    }

    /// Returns how many handlers are running: called, not yet done, and not cancelled.
    pub fn running(&self) -> usize {
        self.house.running()
    }

    /// Lets the client that is named by `X-Client` close its side of the connection.
    pub fn leaves(&self, name: &str) {
        self.house.client(name).leave();
    }

    /// Returns the recorded requests for this target.
    pub fn asked(&self, target: &str) -> Vec<Asked> {
        self.house.asked(target)
    }

    /// Returns how many pages and notes about addresses are stored.
    pub fn entries(&self) -> u64 {
        wait_for(self.cache.inspect().statistics()).unwrap().memory.unwrap().pages
    }

    /// Returns the approximate number of stored bytes.
    pub fn kept(&self) -> u64 {
        wait_for(self.cache.inspect().statistics()).unwrap().memory.unwrap().bytes
    }
}

/// Returns the number of keys in a shared store.
pub fn keys_in(store: &Arc<dyn Store>) -> u64 {
    wait_for(store.stats()).unwrap().entries.unwrap()
}

/// Runs a future that needs no other task.
pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(future)
}

/// Returns the bytes of a request.
pub fn request(method: &str, target: &str, lines: &[&str]) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: good.test\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    (text + "\r\n").into_bytes()
}

/// Polls until `is_so` returns a value; fails after [`DEADLINE`].
#[track_caller]
pub fn until<T>(what: &str, mut is_so: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = is_so() {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "not in time: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn serve(plan: Plan, cache: Cache, house: Arc<House>) -> (SocketAddr, ServerHandle) {
    run(move || {
        let workers = plan.workers;
        let server = HttpServer::new(move || {
            let scope = web::scope("")
                .wrap(from_fn(inside))
                .wrap(Condition::new(!plan.is_whole_app, page::cached(plan.rules.clone())))
                .service(web::resource("/me-maxage").to(route))
                .service(web::resource("/account").to(route))
                .service(web::resource("/static/{file}").to(route))
                .default_service(web::to(route));
            let surroundings = plan.surroundings;
            let is_around = plan.is_whole_app || plan.is_nested;
            App::new()
                .app_data(web::Data::new(cache.clone()))
                .app_data(web::Data::from(house.clone()))
                .app_data(web::Data::new(surroundings))
                .app_data(web::PayloadConfig::new(1 << 20))
                .wrap(Condition::new(is_around, page::cached(plan.rules.clone())))
                // Most hits of these tests are answered as they were sent before, and must not differ.
                .wrap(cache.early_hits())
                .wrap(from_fn(outside))
                .wrap_fn(front::send)
                .service(scope)
        });
        let server = server
            .workers(workers)
            .disable_signals()
            .shutdown_timeout(0)
            .keep_alive(PATIENCE)
            .client_request_timeout(PATIENCE);
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        (server.addrs()[0], server.run())
    })
}

/// Runs the server that `start` returns on a thread of its own.
pub fn run(
    start: impl FnOnce() -> (SocketAddr, Server) + Send + 'static,
) -> (SocketAddr, ServerHandle) {
    let (sender, opened) = mpsc::channel();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let (address, server) = start();
            sender.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    opened.recv().unwrap()
}
