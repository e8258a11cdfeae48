//! A later build of the site with Larder, in which the cached type has another field.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpServer, Responder, web};
use larder_cache::{Builder, Cache, Key, Policy, Secret, store};
use larder_sql::Table;
use larder_sql::rusqlite::{read, watch};
use peers::{MINUTE, Note, NoteWithLength};
use rusqlite::Connection;

const NOTES: Table = Table::named("notes");
const POLICY: Policy = Policy::fresh_for(MINUTE);

type Db = web::Data<Mutex<Connection>>;

async fn list(cache: web::Data<Cache>, db: Db) -> actix_web::Result<impl Responder> {
    let load = async || {
        read(&mut db.lock().unwrap(), |read| peers::notes::<NoteWithLength>(read.reads(NOTES)?))
    };
    let notes = cache
        .get_or_set(&Key::named("notes").build(), &POLICY, load)
        .await
        .map_err(ErrorInternalServerError)?;
    let notes: Vec<Note> = notes.iter().map(Note::from).collect();
    Ok(peers::html(&notes))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = peers::open();
    let redis = store::redis(&peers::setting("REDIS").ok_or("REDIS")?, Duration::from_millis(80))?;
    let secret = Secret::new(b"the secret of all the instances.");
    let cache = Builder::default().name("notes").shared(redis, &secret).open(watch(&db, &[NOTES])?);
    let (cache, db) = (web::Data::new(cache), Db::new(Mutex::new(db)));
    let app = move || {
        App::new().app_data(cache.clone()).app_data(db.clone()).route("/list", web::get().to(list))
    };
    Ok(HttpServer::new(app).workers(1).bind(peers::address())?.run().await?)
}
