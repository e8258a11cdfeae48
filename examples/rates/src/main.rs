//! An API over a slow upstream: its callers neither wait for it nor see its failures while there is an old answer.
//!
//! `cargo run` in this folder, then `curl -i http://127.0.0.1:8087/rates/EUR` a few times: the first answer takes a
//! second, and then none does, although the built-in upstream fails each third time. With an address, such as
//! `cargo run http://127.0.0.1:9000/rates.json`, another upstream is asked; it answers `{"EUR": 1.09}`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::ErrorNotFound;
use actix_web::{App, HttpResponse, HttpServer, Responder, error, web};
use larder_cache::{Cache, Key, Policy};
use serde::Serialize;

/// A minute, of which the last ten seconds are for asking again while callers get what is stored.
const RATES: Policy = Policy::fresh_for(Duration::from_secs(60))
    .refresh_before(Duration::from_secs(10))
    .stale_if_error(Duration::from_secs(86_400))
    .soft_timeout(Duration::from_millis(200))
    .hard_timeout(Duration::from_secs(5))
    .retry_after(Duration::from_secs(5));

type Rates = BTreeMap<String, f64>;

#[derive(Clone)]
struct Upstream {
    address: Arc<str>,
    agent: ureq::Agent,
}

#[derive(Serialize)]
struct Answer<'a> {
    currency: &'a str,
    rate: f64,
    /// Why the rate is an old one.
    stale: Option<&'static str>,
}

impl Upstream {
    fn new(address: &str) -> Self {
        let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30)));
        Self { address: address.into(), agent: agent.build().into() }
    }

    /// Asks the upstream once, on a thread that may block.
    async fn ask(self) -> Result<Rates, String> {
        let ask = move || {
            let mut answer =
                self.agent.get(&*self.address).call().map_err(|error| error.to_string())?;
            let body = answer.body_mut().read_to_vec().map_err(|error| error.to_string())?;
            serde_json::from_slice(&body).map_err(|error| error.to_string())
        };
        tokio::task::spawn_blocking(ask).await.map_err(|error| error.to_string())?
    }
}

async fn rate(
    cache: web::Data<Cache>,
    upstream: web::Data<Upstream>,
    currency: web::Path<String>,
) -> actix_web::Result<impl Responder> {
    let upstream = (**upstream).clone();
    let key = Key::named("rates").build();
    let rates = cache.get_or_stale(&key, &RATES, move || upstream.ask()).await;
    // Only if there are no rates at all.
    let (rates, stale) = rates.map_err(|failure| error::ErrorBadGateway(failure.to_string()))?;
    let rate = *rates.get(&*currency).ok_or_else(|| ErrorNotFound("no such currency"))?;
    Ok(HttpResponse::Ok().json(Answer {
        currency: &currency,
        rate,
        stale: stale.map(|why| why.name()),
    }))
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/rates/{currency}").get(rate)
}

/// The built-in upstream: it takes a second, and fails each third time.
async fn sample(asked: web::Data<AtomicU32>) -> HttpResponse {
    tokio::time::sleep(Duration::from_secs(1)).await;
    match asked.fetch_add(1, Relaxed) % 3 {
        2 => HttpResponse::ServiceUnavailable().finish(),
        number => {
            HttpResponse::Ok().json(Rates::from([("EUR".to_owned(), 1.09 + f64::from(number))]))
        }
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let asked = web::Data::new(AtomicU32::new(0));
    let samples = HttpServer::new(move || {
        App::new().app_data(asked.clone()).default_service(web::to(sample))
    });
    let samples = samples.workers(1).bind(("127.0.0.1", 0))?;
    let address = format!("http://{}/", samples.addrs()[0]);
    actix_web::rt::spawn(samples.run());

    let upstream = web::Data::new(Upstream::new(&std::env::args().nth(1).unwrap_or(address)));
    let cache = web::Data::new(Cache::in_memory());
    let app =
        move || App::new().app_data(cache.clone()).app_data(upstream.clone()).service(pages());
    HttpServer::new(app).bind(("127.0.0.1", 8087))?.run().await
}

#[cfg(test)]
mod tests;
