//! The site with axum and axum-response-cache.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, VARY};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum_response_cache::CacheLayer;
use peers::{MINUTE, SLOW};
use rusqlite::Connection;

type Db = State<Arc<Mutex<Connection>>>;

async fn index(State(db): Db) -> Html<String> {
    Html(peers::html(&peers::notes(&db.lock().unwrap()).expect("the notes")))
}

async fn hello(headers: HeaderMap) -> impl IntoResponse {
    let language = headers.get(ACCEPT_LANGUAGE).and_then(|language| language.to_str().ok());
    ([(VARY, "accept-language")], peers::hello(language.unwrap_or_default()))
}

async fn me(headers: HeaderMap) -> String {
    let cookie = headers.get(COOKIE).and_then(|cookie| cookie.to_str().ok());
    peers::greeting(cookie.and_then(|cookie| cookie.strip_prefix("session=")))
}

async fn slow() -> Html<String> {
    tokio::time::sleep(SLOW).await;
    Html(peers::html(&[]))
}

async fn add(State(db): Db, text: String) -> &'static str {
    peers::add(&db.lock().unwrap(), &text).expect("the note is added");
    "Added."
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let cached = || CacheLayer::with_lifespan(MINUTE).add_response_headers();
    let app = Router::new()
        .route("/", get(index).layer(cached()))
        .route("/hello", get(hello).layer(cached()))
        .route("/me", get(me).layer(cached()))
        .route("/slow", get(slow).layer(cached()))
        .route("/add", post(add))
        .route("/builds", get(|| async { peers::builds() }))
        .with_state(Arc::new(Mutex::new(peers::open())));
    let listener = tokio::net::TcpListener::bind(peers::address()).await?;
    axum::serve(listener, app).await
}
