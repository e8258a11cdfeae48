//! A site whose handlers are written as the documentation of actix-web writes them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpServer, web};
use larder_cache::{Builder, InProcess};

use super::line::{Answer, Line, PATIENCE};
use super::site::{request, run};

/// The requests that reached handlers, which note them here themselves.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Vec<(String, HeaderMap)>>);

impl Calls {
    /// Records a request.
    pub fn note(&self, request: &HttpRequest) {
        let seen = (request.uri().to_string(), request.headers().clone());
        self.0.lock().unwrap().push(seen);
    }
}

/// A running site, which ends with its test.
pub struct Plain {
    address: SocketAddr,
    handle: ServerHandle,
    calls: Arc<Calls>,
}

impl Drop for Plain {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Plain {
    /// Serves the resources of `configure` with a cache, without any middleware but theirs.
    pub fn open(configure: impl Fn(&mut web::ServiceConfig) + Send + Clone + 'static) -> Self {
        let cache = Builder::default().open(Arc::new(InProcess::new()));
        let calls = Arc::<Calls>::default();
        let (data, noted) = (web::Data::new(cache), web::Data::from(calls.clone()));
        let (address, handle) = run(move || {
            let server = HttpServer::new(move || {
                let app = App::new().app_data(data.clone()).app_data(noted.clone());
                app.configure(configure.clone())
            });
            let server = server
                .workers(1)
                .disable_signals()
                .shutdown_timeout(0)
                .keep_alive(PATIENCE)
                .client_request_timeout(PATIENCE);
            let server = server.bind(("127.0.0.1", 0)).unwrap();
            (server.addrs()[0], server.run())
        });
        Self { address, handle, calls }
    }

    /// Sends a plain `GET`.
    pub fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    /// Sends a request with these header lines beside its host.
    pub fn ask(&self, method: &str, target: &str, lines: &[&str]) -> Answer {
        let mut line = Line::to(self.address);
        line.say(request(method, target, lines));
        line.hear_of(method).expect("an answer")
    }

    /// Returns how often a handler was called for this target.
    pub fn calls(&self, target: &str) -> usize {
        self.seen(target).len()
    }

    /// Returns the headers with which handlers were called for this target.
    pub fn seen(&self, target: &str) -> Vec<HeaderMap> {
        let calls = self.calls.0.lock().unwrap();
        let for_target = calls.iter().filter(|(known, _)| known == target);
        for_target.map(|(_, headers)| headers.clone()).collect()
    }
}
