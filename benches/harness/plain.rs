//! The server to compare with: plain actix-web, and a page cache around a handler, with and without holes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Result;
use larder::cache::page::{self, Rules};
use larder::cache::{Builder, InProcess};

use super::load::Answer;

/// The lifetime of the pages that this program caches.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What fills each hole.
const FILLING: &str = "Hello, Mina & Otto!";

/// The keep-alive timeout, the same as the shop's.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A static answer: a body and headers in memory.
struct Ready {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Ready {
    /// Reads the page in `folder`, without the headers that actix-web writes itself.
    fn read(folder: &Path) -> Result<Self> {
        let head = Answer { head: fs::read_to_string(folder.join("head"))?, body: vec![] };
        let own = ["content-length", "date", "connection"];
        let headers = head.headers().filter(|(name, _)| !own.contains(name));
        let headers = headers.map(|(name, value)| Ok((name.parse()?, value.parse()?)));
        let headers = headers.collect::<Result<_>>()?;
        Ok(Self { headers, body: fs::read(folder.join("body"))?.into() })
    }

    fn with_headers(&self, mut response: HttpResponse) -> HttpResponse {
        for (name, value) in &self.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}

/// Serves the page in `folder` with plain actix-web, and with a page cache, with and without holes.
pub async fn serve(folder: &Path, workers: usize) -> Result<()> {
    let ready = web::Data::new(Ready::read(folder)?);
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    let server = HttpServer::new(move || {
        let rules = || Rules::from(HOUR).canary(false);
        let names = ["greeting", "basket", "token"];
        let holed = names.iter().fold(rules(), |rules, name| rules.hole(name, |_| FILLING));
        App::new()
            .app_data(ready.clone())
            .app_data(cache.clone())
            .service(web::resource("/cached").wrap(page::cached(rules())).get(body))
            .service(web::resource("/holes").wrap(page::cached(holed)).get(with_holes))
            .route("/", web::get().to(body))
            .route("/headers", web::get().to(headers))
            .route("/304", web::get().to(not_modified))
    })
    .workers(workers)
    .keep_alive(KEEP_ALIVE)
    .bind(("127.0.0.1", 0))?;
    println!("http://{}", server.addrs()[0]);
    Ok(server.run().await?)
}

async fn body(ready: web::Data<Ready>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(ready.body.clone())
}

/// Answers with three holes in the page.
async fn with_holes(ready: web::Data<Ready>) -> HttpResponse {
    let (text, third) = (String::from_utf8_lossy(&ready.body), ready.body.len() / 3);
    let (first, rest) = text.split_at(text.floor_char_boundary(third));
    let (second, last) = rest.split_at(rest.floor_char_boundary(third));
    let [greeting, basket, token] = ["greeting", "basket", "token"].map(page::hole);
    let body = format!("{greeting}{first}{basket}{second}{token}{last}");
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(body)
}

async fn headers(ready: web::Data<Ready>) -> HttpResponse {
    ready.with_headers(HttpResponse::Ok().body(ready.body.clone()))
}

async fn not_modified(ready: web::Data<Ready>) -> HttpResponse {
    ready.with_headers(HttpResponse::new(StatusCode::NOT_MODIFIED))
}
