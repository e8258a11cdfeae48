//! The page cache in front of a handler that knows nothing of it, and takes a second.
//!
//! `cargo run --example slow_handler`, then `curl -i http://127.0.0.1:8080/`, twice: the second answer takes
//! no second. After five seconds the page is stale: it is answered at once all the same, as the handler
//! allows, and made anew behind the answer; `cache-status` says so.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use larder::cache::open::Options;
use larder::cache::page::{self, Rules};
use larder::cache::view::InProcess;

/// Any handler: here one that has to think. What it says in `Cache-Control` is all that counts.
async fn slow() -> impl Responder {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    HttpResponse::Ok()
        .insert_header(("cache-control", "max-age=5, stale-while-revalidate=60"))
        .body(format!("It was {now} seconds after 1970 when this was made.\n"))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // Nothing here has stamps: pages live as long as they say.
    let cache = web::Data::new(Options::default().open(Arc::new(InProcess::new())));
    let app = move || {
        App::new()
            .app_data(cache.clone())
            .route("/", web::get().to(slow))
            .wrap(page::cached(Rules::respecting()))
    };
    HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await
}
