//! A wiki on SQLite through rusqlite: each article is cached until that article changes.
//!
//! `cargo run` in this folder, then `curl -d text=Hello http://127.0.0.1:8082/tea` and
//! `curl -i http://127.0.0.1:8082/tea` twice: the second answer has `cache-status: wiki; hit`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, Error, HttpResponse, HttpServer, Responder, web};
use larder_cache::{Builder, Cache, InProcess, Key, Policy, Tag, page};
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;

const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// What the handlers share.
struct Wiki {
    db: Mutex<Connection>,
}

#[derive(Deserialize)]
struct Edit {
    text: String,
}

/// Returns the tag of an article.
fn article(name: &str) -> Tag {
    Tag::from(format!("article:{name}"))
}

impl Wiki {
    fn open(db: Connection) -> rusqlite::Result<Self> {
        db.execute_batch(
            "CREATE TABLE IF NOT EXISTS articles (name TEXT PRIMARY KEY, text TEXT NOT NULL)",
        )?;
        Ok(Self { db: Mutex::new(db) })
    }

    fn text(&self, name: &str) -> rusqlite::Result<Option<String>> {
        let db = self.db.lock().unwrap();
        let text = "SELECT text FROM articles WHERE name = ?";
        db.query_row(text, [name], |row| row.get(0)).optional()
    }

    fn write(&self, name: &str, text: &str) -> rusqlite::Result<()> {
        let upsert = "INSERT INTO articles VALUES (?1, ?2) ON CONFLICT DO UPDATE SET text = ?2";
        self.db.lock().unwrap().execute(upsert, [name, text]).map(drop)
    }
}

async fn show(
    wiki: web::Data<Wiki>,
    cache: web::Data<Cache>,
    name: web::Path<String>,
) -> Result<impl Responder, Error> {
    let key = Key::named("wiki.article").part("name", name.as_str()).build();
    let load = async || {
        // The stamp before the data: a write in between makes this load stale.
        cache.reads(&[article(&name)]);
        wiki.text(&name)
    };
    let text = cache.get_or_set(&key, &HOUR, load).await.map_err(ErrorInternalServerError)?;
    Ok(match &*text {
        Some(text) => {
            HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text.clone())
        }
        None => HttpResponse::NotFound().body("There is no such article yet."),
    })
}

async fn edit(
    wiki: web::Data<Wiki>,
    cache: web::Data<Cache>,
    name: web::Path<String>,
    form: web::Form<Edit>,
) -> Result<impl Responder, Error> {
    wiki.write(&name, &form.text).map_err(ErrorInternalServerError)?;
    cache.changed(&[article(&name)]).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", format!("/{name}"))).finish())
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/{name}").wrap(page::cached(HOUR)).get(show).post(edit)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wiki = web::Data::new(Wiki::open(Connection::open("wiki.sqlite3")?)?);
    let cache = web::Data::new(Builder::default().name("wiki").open(Arc::new(InProcess::new())));
    let app = move || App::new().app_data(cache.clone()).app_data(wiki.clone()).service(pages());
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8082))?.run().await?)
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    use super::*;

    #[actix_web::test]
    async fn an_article_is_cached_until_it_is_edited() {
        let wiki = web::Data::new(Wiki::open(Connection::open_in_memory().unwrap()).unwrap());
        let cache =
            web::Data::new(Builder::default().name("wiki").open(Arc::new(InProcess::new())));
        let app = init_service(App::new().app_data(cache).app_data(wiki).service(pages())).await;
        let edits = [("/tea", "Assam"), ("/milk", "cold"), ("/tea", "Ceylon"), ("/milk", "warm")];
        for (path, text) in edits {
            let edit = TestRequest::post().uri(path).set_form([("text", text)]);
            assert_eq!(call_service(&app, edit.to_request()).await.status(), 303);
            for expected in ["stored", "hit"] {
                let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
                let status =
                    response.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
                assert!(status.contains(expected), "{path}: {status}");
                assert_eq!(read_body(response).await, text);
            }
        }
        let other = call_service(&app, TestRequest::get().uri("/milk").to_request()).await;
        assert!(other.headers().get("cache-status").unwrap().to_str().unwrap().contains("hit"));
    }
}
