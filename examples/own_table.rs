//! A guest book in its own table: the next reader sees every write, also one by another program.
//!
//! Run `cargo run --example own_table`, then `curl -i http://127.0.0.1:8080/` twice: the second answer has
//! `cache-status: larder; hit`. Then write with another program and request the page again:
//! `sqlite3 guests.sqlite3 "INSERT INTO guests (name) VALUES ('Ann')"`.

use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpServer, Responder, web};
use askama::Template;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use larder::cache::fragment::{Digest, Fragment, filters};
use larder::cache::{Builder, Cache, Policy, page};
use larder::db::{Db, Error, Url};
use larder::sql::{self, Database, Table, triggers};

diesel::table! {
    guests (id) {
        id -> BigInt,
        name -> Text,
    }
}

/// The table as the cache knows it. `TABLES` lists every table that is read through the cache.
const GUESTS: Table = Table::named("guests");
const TABLES: &[Table] = &[GUESTS];

const HOUR: Policy = Policy::fresh_for(Duration::from_secs(60 * 60));
const SOURCE: Digest = Digest::of(include_bytes!("own_table.rs"));

#[derive(Template)]
#[template(
    source = "<h1>Guests</h1>{% filter cached(Book::newest()) %}<ul>\
              {% for name in newest.iter().flatten() %}<li>{{ name }}{% endfor %}</ul>{% endfilter %}",
    ext = "html"
)]
struct Book {
    /// `None` if the fragment that prints them is already cached.
    newest: Option<Vec<String>>,
}

impl Book {
    /// Returns the fragment with the newest guests, which reads data.
    fn newest() -> Fragment {
        Fragment::new("book.newest", SOURCE, HOUR).reads_data()
    }
}

/// Loads the newest guests. Naming the table yields the connection and records the dependency on it.
async fn newest(db: &Database) -> Result<Vec<String>, Error> {
    db.read(|snapshot| {
        let newest = guests::table.select(guests::name).order(guests::id.desc()).limit(20);
        newest.load(snapshot.table(GUESTS)?)
    })
    .await
}

async fn show(
    cache: web::Data<Cache>,
    db: web::Data<Database>,
) -> actix_web::Result<impl Responder> {
    let mut parts = cache.prefetch([Book::newest()]).await;
    let newest = parts.load(Book::newest(), async || newest(&db).await).await;
    let book = Book { newest: newest.map_err(ErrorInternalServerError)? };
    Ok(web::Html::new(cache.render_with(&book, parts).map_err(ErrorInternalServerError)?))
}

/// Opens the database, and creates the table and the triggers that change its stamps.
fn open(url: &Url) -> Result<Db, Box<dyn std::error::Error>> {
    let db = Db::open(url)?;
    db.write_now(|conn| {
        let create =
            "CREATE TABLE IF NOT EXISTS guests (id INTEGER PRIMARY KEY, name TEXT NOT NULL)";
        conn.batch_execute(create)?;
        triggers::cover(conn, GUESTS)
    })?;
    Ok(db)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url: Url = "sqlite://guests.sqlite3".parse()?;
    let db = web::Data::new(Database::new(open(&url)?, TABLES));
    let cache = web::Data::new(Builder::default().open(sql::open(&url, TABLES)?));
    let app = move || {
        App::new()
            .app_data(cache.clone())
            .app_data(db.clone())
            .service(web::resource("/").wrap(page::cached(HOUR)).get(show))
    };
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?)
}
