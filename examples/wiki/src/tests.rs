use actix_web::test::{TestRequest, call_service, init_service, read_body};

use larder_cache::Tag;
use larder_cache::front::keys;
use larder_sql::rusqlite::purge;
use support::fronts::each_write_is_purged;
use support::sqlite::sqlite3;

use super::*;

#[actix_web::test]
async fn an_article_is_cached_until_it_changes_whichever_program_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wiki.sqlite3");
    let (wiki, cache) = open(&file).unwrap();
    let stored = cache.clone();
    let app = init_service(App::new().app_data(cache).app_data(wiki).service(pages())).await;
    let ask = async |path: &str| {
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        let status = response.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
        (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
    };
    for (path, title, text) in [("/1", "Tea", "Assam & milk"), ("/2", "Milk", "cold")] {
        let edit = TestRequest::post().uri(path).set_form([("title", title), ("text", text)]);
        assert_eq!(call_service(&app, edit.to_request()).await.status(), 303);
        for expected in ["stored", "hit"] {
            let (status, page) = ask(path).await;
            assert!(status.contains(expected), "{path}: {status}");
            assert!(page.contains(&text.replace('&', "&amp;")), "{page}");
            assert!(page.contains(r#"<a href="/1">The wiki of teas</a>"#), "{page}");
        }
    }
    sqlite3(&file, "UPDATE articles SET text = 'Ceylon' WHERE id = 1");
    let (status, page) = ask("/1").await;
    assert!(status.contains("stored") && page.contains("Ceylon"), "{status}: {page}");
    assert!(ask("/1").await.0.contains("hit"));
    assert!(ask("/2").await.0.contains("hit"), "the other article has not changed");
    // Deletions change stamps, too, by a connection of the cache's own.
    stored.clear().await.unwrap();
    assert!(ask("/2").await.0.contains("stored"));
}

#[test]
fn each_write_is_purged_in_front() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wiki.sqlite3");
    open(&file).unwrap();
    sqlite3(&file, "INSERT INTO articles VALUES (1, 'Tea', 'Assam')");
    let start = |address: &str| {
        let db = Connection::open(&file).unwrap();
        let stamps = watch(&db, TABLES).unwrap();
        purge(&db, &stamps, &[address.parse().unwrap()]).unwrap()
    };
    let tags = [ARTICLES.tag(), Tag::EVERYTHING].map(|tag| keys(&tag));
    let write = "UPDATE articles SET text = 'Ceylon'";
    each_write_is_purged(start, |sql| sqlite3(&file, sql), write, tags.each_ref());
}

#[test]
fn a_read_that_touches_a_table_which_it_has_not_named_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut db = Connection::open(folder.path().join("wiki.sqlite3")).unwrap();
    db.execute_batch(
        "CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT);
         CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT);
         CREATE VIEW names AS SELECT name FROM authors;",
    )
    .unwrap();
    let count = |read: &Connection, table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        read.query_row(&count, [], |row| row.get::<_, i64>(0))
    };
    let uncovered = read(&mut db, |read| count(read.reads(ARTICLES)?, "articles"));
    assert!(uncovered.unwrap_err().to_string().contains("does not have the triggers"));
    cover(&mut db, TABLES).unwrap();
    assert_eq!(read(&mut db, |read| count(read.reads(ARTICLES)?, "articles")), Ok(0));
    for other in ["authors", "names", "articles JOIN authors ON true"] {
        let refused = read(&mut db, |read| count(read.reads_row(ARTICLES, 1)?, other));
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("has not named the table authors"), "{other}: {error}");
    }
    // Outside of a read nothing is checked.
    assert_eq!(count(&db, "names"), Ok(0));
}
