//! A guest book through diesel, as the shop does it: the next answer is new, whichever program has written.
//!
//! `cargo run` in this folder, then `curl -i http://127.0.0.1:8083/` twice: the second answer has
//! `cache-status: guests; hit`. Write with another program and request the page again:
//! `sqlite3 guests.sqlite3 "INSERT INTO guests (name) VALUES ('Ann')"`.

use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpServer, Responder, web};
use askama::Template;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use larder_cache::fragment::{Digest, Fragment, filters};
use larder_cache::{Builder, Cache, Policy, page};
use larder_sql::db::{Db, Error, Url};
use larder_sql::{Database, Table, triggers};

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
const SOURCE: Digest = Digest::of(include_bytes!("main.rs"));

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

/// Opens the database and its cache, and creates the table and the triggers that change its stamps.
fn open(url: &Url) -> Result<(web::Data<Database>, web::Data<Cache>), Box<dyn std::error::Error>> {
    let db = Db::open(url)?;
    db.write_now(|conn| {
        let create =
            "CREATE TABLE IF NOT EXISTS guests (id INTEGER PRIMARY KEY, name TEXT NOT NULL)";
        conn.batch_execute(create)?;
        triggers::cover(conn, GUESTS)
    })?;
    let cache = Builder::default().name("guests").open(larder_sql::open(url, TABLES)?);
    Ok((web::Data::new(Database::new(db, TABLES)), web::Data::new(cache)))
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/").wrap(page::cached(HOUR)).get(show)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (db, cache) = open(&"sqlite://guests.sqlite3".parse()?)?;
    let app = move || App::new().app_data(cache.clone()).app_data(db.clone()).service(pages());
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8083))?.run().await?)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    use super::*;

    #[actix_web::test]
    async fn the_page_is_cached_until_another_program_writes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guests.sqlite3");
        let (db, cache) = open(&Url::Sqlite(file.clone())).unwrap();
        let app = init_service(App::new().app_data(cache).app_data(db).service(pages())).await;
        let cases = [("", "stored"), ("", "hit"), ("Ann", "stored"), ("", "hit")];
        for (name, expected) in cases {
            if !name.is_empty() {
                let write = format!("INSERT INTO guests (name) VALUES ('{name}')");
                let mut sqlite3 = Command::new("sqlite3");
                sqlite3.arg(&file).args([".timeout 10000", &write]);
                assert!(sqlite3.status().unwrap().success());
            }
            let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
            let status =
                response.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
            assert!(status.contains(expected), "{status}");
            let page = String::from_utf8(read_body(response).await.to_vec()).unwrap();
            assert!(page.contains(name), "{page}");
        }
    }
}
