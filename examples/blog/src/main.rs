//! A blog on SQLite through sqlx, with a cached page and a cached query.
//!
//! `cargo run` in this folder, then `curl -i http://127.0.0.1:8081/` twice: the second answer has
//! `cache-status: blog; hit`. `curl -d title=Spring http://127.0.0.1:8081/` adds a post, and the next answer
//! shows it.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, Error, HttpResponse, HttpServer, Responder, web};
use larder_cache::{Builder, Cache, InProcess, Key, Policy, Tag, page};
use serde::Deserialize;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

const POSTS: Tag = Tag::named("posts");
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

/// What the handlers share.
#[derive(Clone)]
struct Blog {
    db: SqlitePool,
    cache: web::Data<Cache>,
}

#[derive(Deserialize)]
struct Post {
    title: String,
}

impl Blog {
    async fn open(url: &str) -> Result<Self, sqlx::Error> {
        // One connection, since each connection to `:memory:` has a database of its own.
        let db = SqlitePoolOptions::new().max_connections(1).connect(url).await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS posts (title TEXT NOT NULL)").execute(&db).await?;
        let cache = Builder::default().name("blog").open(Arc::new(InProcess::new()));
        Ok(Self { db, cache: web::Data::new(cache) })
    }

    /// Returns the titles, from the cache or else from the database.
    async fn titles(&self) -> Result<Arc<Vec<String>>, sqlx::Error> {
        let load = async || {
            // The stamp before the data: a write in between makes this load stale.
            self.cache.reads(&[POSTS]);
            sqlx::query_scalar("SELECT title FROM posts ORDER BY rowid").fetch_all(&self.db).await
        };
        self.cache.get_or_set(&Key::named("blog.titles").build(), &HOUR, load).await
    }

    async fn add(&self, title: &str) -> Result<(), Box<dyn std::error::Error>> {
        sqlx::query("INSERT INTO posts VALUES (?)").bind(title).execute(&self.db).await?;
        Ok(self.cache.changed(&[POSTS]).await?)
    }
}

async fn index(blog: web::Data<Blog>) -> Result<impl Responder, Error> {
    let titles = blog.titles().await.map_err(ErrorInternalServerError)?;
    let escaped = titles.iter().map(|title| title.replace('&', "&amp;").replace('<', "&lt;"));
    let items: String = escaped.map(|title| format!("<li>{title}")).collect();
    Ok(web::Html::new(format!("<!doctype html><title>Blog</title><ul>{items}</ul>")))
}

async fn add(blog: web::Data<Blog>, post: web::Form<Post>) -> Result<impl Responder, Error> {
    blog.add(&post.title).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/").wrap(page::cached(HOUR)).get(index).post(add)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let blog = Blog::open("sqlite://blog.sqlite3?mode=rwc").await?;
    let app = move || {
        let app = App::new().app_data(blog.cache.clone()).app_data(web::Data::new(blog.clone()));
        app.service(pages())
    };
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8081))?.run().await?)
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};

    use super::*;

    #[actix_web::test]
    async fn the_page_is_cached_until_a_post_is_added() {
        let blog = Blog::open("sqlite::memory:").await.unwrap();
        let app = App::new().app_data(blog.cache.clone()).app_data(web::Data::new(blog));
        let app = init_service(app.service(pages())).await;
        for (title, expected) in [("", "stored"), ("", "hit"), ("Spring", "stored"), ("", "hit")] {
            if !title.is_empty() {
                let post = TestRequest::post().uri("/").set_form([("title", title)]);
                assert_eq!(call_service(&app, post.to_request()).await.status(), 303);
            }
            let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
            let status =
                response.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
            assert!(status.contains(expected), "{status}");
            assert!(String::from_utf8_lossy(&read_body(response).await).contains(title));
        }
    }
}
