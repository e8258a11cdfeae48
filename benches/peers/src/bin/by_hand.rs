//! The site with actix-web and moka: keys, headers, conditions and invalidation are written by hand.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use actix_web::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, cookie::Cookie, web};
use moka::future::Cache;
use peers::{MINUTE, SLOW};
use rusqlite::Connection;

#[derive(Clone)]
struct Stored {
    body: web::Bytes,
    etag: String,
}

impl Stored {
    fn new(body: String) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self { etag: format!("\"{:x}\"", hasher.finish()), body: body.into() }
    }

    fn answer(self, request: &HttpRequest) -> HttpResponse {
        let is_known = request.headers().get(IF_NONE_MATCH).is_some_and(|tag| *tag == *self.etag);
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((ETAG, self.etag)).insert_header((CACHE_CONTROL, "no-cache"));
        response.content_type("text/html; charset=utf-8");
        if is_known { response.finish() } else { response.body(self.body) }
    }
}

struct Site {
    db: Mutex<Connection>,
    pages: Cache<String, Stored>,
}

async fn index(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let build = async {
        let notes = peers::notes(&site.db.lock().unwrap()).expect("the notes");
        Stored::new(peers::html(&notes))
    };
    site.pages.get_with("/".to_owned(), build).await.answer(&request)
}

async fn hello(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let language =
        request.headers().get(ACCEPT_LANGUAGE).and_then(|language| language.to_str().ok());
    let text = peers::hello(language.unwrap_or_default());
    // By what is shown, since there are more headers than languages.
    let page =
        site.pages.get_with(format!("/hello {text}"), async { Stored::new(text.to_owned()) });
    let mut response = page.await.answer(&request);
    response.headers_mut().insert(VARY, "accept-language".parse().expect("a header"));
    response
}

/// Not cached: it greets by the session.
async fn me(request: HttpRequest) -> impl Responder {
    peers::greeting(request.cookie("session").as_ref().map(Cookie::value))
}

async fn slow(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let build = async {
        tokio::time::sleep(SLOW).await;
        Stored::new(peers::html(&[]))
    };
    site.pages.get_with("/slow".to_owned(), build).await.answer(&request)
}

async fn add(site: web::Data<Site>, text: String) -> &'static str {
    peers::add(&site.db.lock().unwrap(), &text).expect("the note is added");
    site.pages.invalidate("/").await;
    "Added."
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let pages = Cache::builder().max_capacity(10_000).time_to_live(MINUTE).build();
    let site = web::Data::new(Site { db: Mutex::new(peers::open()), pages });
    let app = move || {
        App::new()
            .app_data(site.clone())
            .service(web::resource("/").get(index).route(web::head().to(index)))
            .route("/hello", web::get().to(hello))
            .route("/me", web::get().to(me))
            .route("/slow", web::get().to(slow))
            .route("/add", web::post().to(add))
            .route("/builds", web::get().to(async || peers::builds()))
    };
    HttpServer::new(app).workers(1).bind(peers::address())?.run().await
}
