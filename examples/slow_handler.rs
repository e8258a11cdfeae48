//! The page cache in front of a slow handler that knows nothing of the cache.
//!
//! Run `cargo run --example slow_handler`, then `curl -i http://127.0.0.1:8080/` twice: the first answer takes
//! a second, the second one is immediate. After five seconds the page is stale. It is still served at once,
//! as the handler allows, and rebuilt in the background; `cache-status` says so.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use larder::cache::page::{self, Rules};
use larder::cache::{Builder, InProcess};

/// A handler that takes a second. Only its `Cache-Control` tells the cache what to do.
async fn slow() -> impl Responder {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    HttpResponse::Ok()
        .insert_header(("cache-control", "max-age=5, stale-while-revalidate=60"))
        .body(format!("It was {now} seconds after 1970 when this was made.\n"))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // Nothing here depends on a tag: pages stay fresh for as long as their headers say.
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    let app = move || {
        App::new()
            .app_data(cache.clone())
            .route("/", web::get().to(slow))
            .wrap(page::cached(Rules::respecting()))
    };
    HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await
}
