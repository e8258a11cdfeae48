//! A wiki on SQLite through rusqlite, with templates of minijinja: each article is cached until that article changes.
//!
//! `cargo run` in this folder, then `curl -d title=Tea -d text=Hello http://127.0.0.1:8082/1` and
//! `curl -i http://127.0.0.1:8082/1` twice: the second answer has `cache-status: wiki; hit`. Write with another
//! program and request the page again: `sqlite3 wiki.sqlite3 "UPDATE articles SET text = 'Ceylon' WHERE id = 1"`.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::{ErrorInternalServerError, ErrorNotFound};
use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use larder_cache::fragment::{Digest, Fragment, Html};
use larder_cache::{Builder, Cache, Policy, page, tracking};
use larder_sql::Table;
use larder_sql::rusqlite::{cover, read, watch};
use minijinja::{Environment, Value, context};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};

const ARTICLES: Table = Table::named("articles");
const TABLES: &[Table] = &[ARTICLES];
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// What the handlers share.
#[derive(Clone)]
struct Wiki {
    db: Arc<Mutex<Connection>>,
    templates: Arc<Environment<'static>>,
}

#[derive(Serialize, Deserialize)]
struct Article {
    title: String,
    text: String,
}

/// Opens the wiki and its cache.
fn open(file: &Path) -> Result<(web::Data<Wiki>, web::Data<Cache>), Box<dyn Error>> {
    let mut db = Connection::open(file)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS articles (id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL)",
    )?;
    cover(&mut db, TABLES)?;
    let cache = Builder::default().name("wiki").open(watch(&db, TABLES)?);
    let mut templates = Environment::new();
    templates.add_template("article.html", include_str!("../templates/article.html"))?;
    templates.add_template("header.html", include_str!("../templates/header.html"))?;
    let wiki = Wiki { db: Arc::new(Mutex::new(db)), templates: Arc::new(templates) };
    Ok((web::Data::new(wiki), web::Data::new(cache)))
}

impl Wiki {
    /// Runs `work` on the connection, on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> actix_web::Result<T> {
        let db = self.db.clone();
        let work = move || work(&mut db.lock().unwrap_or_else(PoisonError::into_inner));
        // What is read there belongs to the page that is built here.
        web::block(tracking::carried(work)).await?.map_err(ErrorInternalServerError)
    }

    fn render(&self, template: &str, values: impl Serialize) -> String {
        let template = self.templates.get_template(template).expect("it was added at the start");
        template.render(values).expect("it uses only what it is given")
    }

    async fn article(&self, id: i64) -> actix_web::Result<Option<Article>> {
        let article = "SELECT title, text FROM articles WHERE id = ?";
        self.with(move |db| {
            read(db, |read| {
                let articles = read.reads_row(ARTICLES, id)?;
                let article = articles.query_row(article, [id], |row| {
                    Ok(Article { title: row.get(0)?, text: row.get(1)? })
                });
                article.optional()
            })
        })
        .await
    }

    async fn save(&self, id: i64, article: Article) -> actix_web::Result<()> {
        let upsert = "INSERT INTO articles VALUES (?1, ?2, ?3) \
                      ON CONFLICT DO UPDATE SET title = ?2, text = ?3";
        self.with(move |db| db.execute(upsert, (id, article.title, article.text)).map(drop)).await
    }
}

/// Returns the fragment that begins every page.
fn header() -> Fragment {
    let source = Digest::of(include_bytes!("../templates/header.html"));
    Fragment::new("wiki.header", source, HOUR)
}

async fn show(
    wiki: web::Data<Wiki>,
    cache: web::Data<Cache>,
    id: web::Path<i64>,
) -> actix_web::Result<impl Responder> {
    let article = wiki.article(*id).await?;
    let article = article.ok_or_else(|| ErrorNotFound("There is no such article yet."))?;
    let header = cache.fragment(header(), || Html::from_escaped(wiki.render("header.html", ())));
    let header = header.await.map_err(ErrorInternalServerError)?;
    let header = Value::from_safe_string(header.as_str().to_owned());
    Ok(web::Html::new(wiki.render("article.html", context! { header, article })))
}

async fn edit(
    wiki: web::Data<Wiki>,
    id: web::Path<i64>,
    article: web::Form<Article>,
) -> actix_web::Result<impl Responder> {
    wiki.save(*id, article.into_inner()).await?;
    Ok(HttpResponse::SeeOther().insert_header(("location", format!("/{id}"))).finish())
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/{id}").wrap(page::cached(HOUR)).get(show).post(edit)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (wiki, cache) = open(Path::new("wiki.sqlite3"))?;
    let app = move || App::new().app_data(cache.clone()).app_data(wiki.clone()).service(pages());
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8082))?.run().await?)
}

#[cfg(test)]
mod tests;
