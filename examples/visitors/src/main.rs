//! One address, several pages: by language, with the visitor's name in a hole, and a page of each user's own.
//!
//! `cargo run` in this folder, and open `http://127.0.0.1:8085/` in a browser: sign in with any name. The page is
//! stored once for each language, also for visitors who are signed in: `cache-status` is `hit`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionExt, SessionMiddleware};
use actix_web::dev::HttpServiceFactory;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, cookie, error, web};
use larder_cache::page::{self, Rules};
use larder_cache::{Cache, Policy, Tag};
use serde::Deserialize;

const ORDERS: Tag = Tag::named("orders");
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// How many pots of tea each user has ordered.
type Orders = web::Data<Mutex<HashMap<String, u32>>>;

#[derive(Deserialize)]
struct SignIn {
    name: String,
}

/// Returns the name of the visitor who is signed in.
fn name_of(request: &HttpRequest) -> Option<String> {
    request.get_session().get("name").ok().flatten()
}

/// Rendered once for each language: it sees neither session nor cookies of its visitor.
async fn index(request: HttpRequest) -> impl Responder {
    let language = request
        .headers()
        .get(ACCEPT_LANGUAGE)
        .map_or("en", |chosen| chosen.to_str().unwrap_or("en"));
    let (title, link) = if language == "de" {
        ("Unsere Tees", "Ihre Bestellung")
    } else {
        ("Our teas", "Your order")
    };
    let (name, form) = (
        page::hole("name"),
        "<form method=post action=/sign-in><input name=name><button>OK</button></form>",
    );
    let body = format!("<h1>{title}</h1><p>{name}</p><p><a href=/order>{link}</a></p>{form}");
    web::Html::new(format!("<!doctype html><html lang={language}><title>{title}</title>{body}"))
}

/// A page of each user's own, which sees the whole request.
async fn order(request: HttpRequest, cache: web::Data<Cache>, orders: Orders) -> impl Responder {
    cache.reads(&[ORDERS]);
    match name_of(&request) {
        Some(name) => format!("{name}: {}", orders.lock().unwrap().get(&name).unwrap_or(&0)),
        None => "Sign in first.".to_owned(),
    }
}

async fn buy(
    request: HttpRequest,
    cache: web::Data<Cache>,
    orders: Orders,
) -> actix_web::Result<impl Responder> {
    let name = name_of(&request).ok_or_else(|| error::ErrorForbidden("Sign in first."))?;
    *orders.lock().unwrap().entry(name).or_default() += 1;
    cache.changed(&[ORDERS]).await.map_err(error::ErrorInternalServerError)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", "/order")).finish())
}

async fn sign_in(session: Session, form: web::Form<SignIn>) -> actix_web::Result<impl Responder> {
    session.insert("name", &form.name)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
}

fn pages(secret: &cookie::Key) -> impl HttpServiceFactory + use<> {
    let sessions = SessionMiddleware::builder(CookieSessionStore::default(), secret.clone());
    let shared = Rules::shared(HOUR).languages(&["en", "de"]).hole("name", |request| {
        name_of(request).map(|name| format!("Hello, {name}!")).unwrap_or_default()
    });
    let own = Rules::shared(HOUR).per_user(name_of);
    web::scope("")
        .service(web::resource("/").wrap(page::cached(shared)).get(index))
        .service(web::resource("/order").wrap(page::cached(own)).get(order).post(buy))
        .service(web::resource("/sign-in").post(sign_in))
        // Around the page cache, since its rules look at the session.
        .wrap(sessions.cookie_secure(false).build())
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let (cache, orders) = (web::Data::new(Cache::in_memory()), Orders::default());
    // Sessions end with this program.
    let secret = cookie::Key::generate();
    let app =
        move || App::new().app_data(cache.clone()).app_data(orders.clone()).service(pages(&secret));
    HttpServer::new(app).bind(("127.0.0.1", 8085))?.run().await
}

#[cfg(test)]
mod tests;
