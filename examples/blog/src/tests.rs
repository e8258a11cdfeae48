use actix_web::body::MessageBody;
use actix_web::test::{TestRequest, call_service, init_service, read_body};

use larder_cache::Tag;
use larder_cache::front::keys;
use larder_sql::sqlx::purge;
use larder_sql::{Freshness, front};
use support::fronts::each_write_is_purged;
use support::{browser, postgres, sqlite};

use super::*;

/// Checks that the page is stored once for each write, whichever program writes.
async fn each_write_is_in_the_next_answer(url: &str, elsewhere: impl Fn(&str) -> String) {
    let blog = Blog::open(url).await.unwrap();
    let cache = blog.cache.clone();
    let app = App::new().app_data(cache.clone()).app_data(web::Data::new(blog));
    let app = init_service(app.service(pages(cookie::Key::generate()))).await;
    let ask = async || {
        let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
        assert!(response.headers().get("set-cookie").is_none(), "the page is everybody's");
        let status = response.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
        (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
    };
    assert!(ask().await.0.contains("stored"));
    assert!(ask().await.0.contains("hit"));

    elsewhere("INSERT INTO posts VALUES ('Spring')");
    let (status, page) = ask().await;
    assert!(status.contains("stored") && page.contains("<li>Spring"), "{status}: {page}");
    assert!(ask().await.0.contains("hit"));

    let post = TestRequest::post().uri("/").set_form([("title", "Summer")]).to_request();
    let posted = call_service(&app, post).await;
    assert_eq!(posted.status(), 303);
    let (status, page) = ask().await;
    assert!(status.contains("stored") && page.contains("<li>Summer"), "{status}: {page}");

    elsewhere("UPDATE posts SET title = 'Autumn' WHERE title = 'Summer'");
    let (status, page) = ask().await;
    assert!(status.contains("stored") && page.contains("<li>Autumn"), "{status}: {page}");

    // Deletions change stamps, too, by this program's own connection.
    assert!(ask().await.0.contains("hit"));
    cache.clear().await.unwrap();
    assert!(ask().await.0.contains("stored"));

    let session = posted.response().cookies().next().unwrap().into_owned();
    let mine = TestRequest::get().uri("/mine").cookie(session).to_request();
    let mine = call_service(&app, mine).await.into_body().try_into_bytes().unwrap();
    assert_eq!(mine, "You have added 1 posts.");
}

#[actix_web::test]
async fn each_write_to_sqlite_is_in_the_next_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("blog.sqlite3");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    each_write_is_in_the_next_answer(&url, |sql| sqlite::sqlite3(&file, sql)).await;
}

#[actix_web::test]
async fn each_write_to_postgres_is_in_the_next_answer() {
    let Some(server) = postgres::Postgres::start() else { return };
    each_write_is_in_the_next_answer(&server.url(), |sql| server.psql(sql)).await;
}

/// Checks that a front gets each purge, with purgers of two pools.
fn each_write_is_purged_in_front(url: &str, elsewhere: impl Fn(&str) -> String) {
    let runtime = actix_web::rt::Runtime::new().unwrap();
    let start = |address: &str| {
        let address: front::Address = address.parse().unwrap();
        runtime.block_on(async {
            let blog = Blog::open(url).await.unwrap();
            blog.add("Spring").await.unwrap();
            let stamps = watch(&blog.db, TABLES).await.unwrap();
            purge(&blog.db, &stamps, Freshness::Strict, &[address]).await.unwrap()
        })
    };
    let tags = [POSTS.tag(), Tag::EVERYTHING].map(|tag| keys(&tag));
    let write = "UPDATE posts SET title = 'Summer'";
    each_write_is_purged(start, elsewhere, write, tags.each_ref());
}

#[test]
fn each_write_to_sqlite_is_purged_in_front() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("blog.sqlite3");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    each_write_is_purged_in_front(&url, |sql| sqlite::sqlite3(&file, sql));
}

#[test]
fn each_write_to_postgres_is_purged_in_front() {
    let Some(server) = postgres::Postgres::start() else { return };
    each_write_is_purged_in_front(&server.url(), |sql| server.psql(sql));
}

#[actix_web::test]
async fn the_toolbar_shows_the_statements_of_a_page_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("blog.sqlite3").display());
    let blog = Blog::open(&url).await.unwrap();
    blog.add("Spring").await.unwrap();
    let (server, port) = serve(blog, 0).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let looks = move || {
        let Some(page) = browser::page(&format!("http://127.0.0.1:{port}/")) else { return };
        assert!(page.contains("<li>Spring") && page.contains("<larder-toolbar>"), "{page}");
        // What the toolbar would show of that request.
        let address = format!("http://127.0.0.1:{port}/_larder/toolbar/requests");
        let history = browser::page(&address).unwrap();
        let (before, _) = history.split_once("\" data-method=\"GET\" data-path=\"/\"").unwrap();
        let id = before.rsplit('"').next().unwrap();
        let record = browser::page(&format!("{address}/{id}?format=json")).unwrap();
        assert!(record.contains(TITLES) && record.contains("src/main.rs:"), "{record}");
    };
    let looked = actix_web::rt::task::spawn_blocking(looks).await;
    handle.stop(false).await;
    looked.unwrap();
}
