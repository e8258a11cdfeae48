//! The site with Larder.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{App, HttpRequest, HttpServer, Responder, cookie::Cookie, web};
use larder_cache::page::{Rules, cached, head_as_get};
use larder_cache::{Builder, Cache, Key, Policy, Secret, store};
use larder_sql::Table;
use larder_sql::rusqlite::{cover, read, watch};
use peers::{MINUTE, Note, SLOW};
use rusqlite::Connection;

const NOTES: Table = Table::named("notes");
const POLICY: Policy = Policy::fresh_for(MINUTE);

type Db = web::Data<Mutex<Connection>>;

async fn notes(cache: &Cache, db: &Db) -> actix_web::Result<Arc<Vec<Note>>> {
    let load = async || read(&mut db.lock().unwrap(), |read| peers::notes(read.reads(NOTES)?));
    cache
        .get_or_set(&Key::named("notes").build(), &POLICY, load)
        .await
        .map_err(ErrorInternalServerError)
}

async fn index(cache: web::Data<Cache>, db: Db) -> actix_web::Result<impl Responder> {
    Ok(web::Html::new(peers::html(&*notes(&cache, &db).await?)))
}

async fn hello(request: HttpRequest) -> impl Responder {
    let language =
        request.headers().get(ACCEPT_LANGUAGE).and_then(|language| language.to_str().ok());
    peers::hello(language.unwrap_or_default())
}

async fn me(request: HttpRequest) -> impl Responder {
    peers::greeting(request.cookie("session").as_ref().map(Cookie::value))
}

async fn slow() -> impl Responder {
    tokio::time::sleep(SLOW).await;
    peers::html(&[])
}

async fn add(db: Db, text: String) -> &'static str {
    peers::add(&db.lock().unwrap(), &text).expect("the note is added");
    "Added."
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut db = peers::open();
    cover(&mut db, &[NOTES])?;
    let mut builder = Builder::default().name("notes");
    if let Some(redis) = peers::setting("REDIS") {
        let secret = Secret::new(b"the secret of all the instances.");
        builder = builder.shared(store::redis(&redis, Duration::from_millis(80))?, &secret);
    }
    let cache = web::Data::new(builder.open(watch(&db, &[NOTES])?));
    let db = Db::new(Mutex::new(db));
    let app = move || {
        App::new()
            .app_data(cache.clone())
            .app_data(db.clone())
            .service(web::resource("/").wrap(cached(MINUTE)).get(index))
            .service(
                web::resource("/hello")
                    .wrap(cached(Rules::shared(POLICY).languages(&["en", "de"])))
                    .get(hello),
            )
            .service(web::resource("/me").wrap(cached(MINUTE)).get(me))
            .service(web::resource("/slow").wrap(cached(MINUTE)).get(slow))
            .route("/list", web::get().to(index))
            .route("/add", web::post().to(add))
            .route("/builds", web::get().to(async || peers::builds()))
            .wrap_fn(head_as_get)
    };
    Ok(HttpServer::new(app).workers(1).bind(peers::address())?.run().await?)
}
