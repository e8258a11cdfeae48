//! A blog on SQLite or Postgres through sqlx: the next answer is new, whichever program has written.
//!
//! `cargo run` in this folder, then `curl -i http://127.0.0.1:8081/` twice: the second answer has
//! `cache-status: blog; hit`. Write with another program and request the page again:
//! `sqlite3 blog.sqlite3 "INSERT INTO posts VALUES ('Spring')"`. In a browser the page carries the toolbar, which
//! shows the statements that the blog records; the dashboard is at `/_larder/cache`. With a URL, such as
//! `cargo run postgres://ann@localhost/blog`, it is the same on Postgres.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_session::storage::CookieSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie;
use actix_web::dev::{HttpServiceFactory, Server};
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, Error, HttpResponse, HttpServer, Responder, web};
use larder_cache::{Builder, Cache, Key, Policy, page};
use larder_panel::Panel;
use larder_panel::sql::{Statement, record};
use larder_sql::Table;
use larder_sql::sqlx::{begin, cover, watch};
use serde::Deserialize;
use sqlx::AnyPool;

const POSTS: Table = Table::named("posts");
const TABLES: &[Table] = &[POSTS];
const TITLES: &str = "SELECT title FROM posts ORDER BY title";
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// What the handlers share.
#[derive(Clone)]
struct Blog {
    db: AnyPool,
    cache: web::Data<Cache>,
}

#[derive(Deserialize)]
struct Post {
    title: String,
}

impl Blog {
    async fn open(url: &str) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let db = AnyPool::connect(url).await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS posts (title TEXT NOT NULL)").execute(&db).await?;
        cover(&db, TABLES).await?;
        let cache = Builder::default().name("blog").open(watch(&db, TABLES).await?);
        Ok(Self { db, cache: web::Data::new(cache) })
    }

    /// Returns the titles, from the cache or else from the database.
    async fn titles(&self) -> Result<Arc<Vec<String>>, sqlx::Error> {
        let load = async || {
            let mut read = begin(&self.db).await?;
            let (conn, began) = (read.reads(POSTS).await?, Instant::now());
            let titles = sqlx::query_scalar(TITLES).fetch_all(conn).await?;
            record(Statement::new(TITLES, began.elapsed()));
            Ok(titles)
        };
        self.cache.get_or_set(&Key::named("blog.titles").build(), &HOUR, load).await
    }

    async fn add(&self, title: &str) -> Result<(), sqlx::Error> {
        let add = sqlx::query("INSERT INTO posts VALUES ($1)").bind(title);
        add.execute(&self.db).await.map(drop)
    }
}

async fn index(blog: web::Data<Blog>) -> Result<impl Responder, Error> {
    let titles = blog.titles().await.map_err(ErrorInternalServerError)?;
    let escaped = titles.iter().map(|title| title.replace('&', "&amp;").replace('<', "&lt;"));
    let items: String = escaped.map(|title| format!("<li>{title}")).collect();
    Ok(web::Html::new(format!("<!doctype html><title>Blog</title><ul>{items}</ul>")))
}

/// Adds a post, and counts it for its author.
async fn add(
    blog: web::Data<Blog>,
    session: Session,
    post: web::Form<Post>,
) -> Result<impl Responder, Error> {
    blog.add(&post.title).await.map_err(ErrorInternalServerError)?;
    session.insert("posts", posts_of(&session)? + 1)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
}

/// Shows the visitor's own number of posts. It is not cached.
async fn mine(session: Session) -> Result<impl Responder, Error> {
    Ok(format!("You have added {} posts.", posts_of(&session)?))
}

fn posts_of(session: &Session) -> Result<u32, Error> {
    Ok(session.get("posts")?.unwrap_or_default())
}

fn pages(secret: cookie::Key) -> impl HttpServiceFactory {
    let sessions = || {
        let sessions = SessionMiddleware::builder(CookieSessionStore::default(), secret.clone());
        sessions.cookie_secure(false).build()
    };
    // The page cache stands around the sessions: a hit needs none.
    let posts = web::resource("/").wrap(sessions()).wrap(page::cached(HOUR));
    let mine = web::resource("/mine").wrap(sessions()).get(mine);
    (posts.get(index).post(add), mine)
}

/// Serves the blog at this port; returns the server and its port.
fn serve(blog: Blog, port: u16) -> std::io::Result<(Server, u16)> {
    // Sessions end with this program.
    let secret = cookie::Key::generate();
    let panel = Panel::new(&blog.cache);
    let app = move || {
        App::new()
            .app_data(blog.cache.clone())
            .app_data(web::Data::new(blog.clone()))
            .service(pages(secret.clone()))
            .configure(panel.routes())
            .wrap(panel.clone())
    };
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", port))?;
    let port = server.addrs()[0].port();
    Ok((server.run(), port))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1);
    let blog = Blog::open(url.as_deref().unwrap_or("sqlite://blog.sqlite3?mode=rwc")).await?;
    Ok(serve(blog, 8081)?.0.await?)
}

#[cfg(test)]
mod tests;
