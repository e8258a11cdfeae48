//! The memory that entries take, as the allocator counts it, compared with what the cache says.
//!
//! It is one test: another one beside it would be counted, too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::http::header::ACCEPT_ENCODING;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse};
use larder_cache::fragment::{Digest, Fragment, Html};
use larder_cache::{Cache, Key, Policy, page};
use serde::{Deserialize, Serialize};
use tokio::task::LocalSet;

const HOUR: Policy = Policy::fresh_for(Duration::from_secs(60 * 60));

/// The bytes that are allocated now, as a common allocator rounds them.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn taken(layout: Layout) -> usize {
    (layout.size() + 8).next_multiple_of(16).max(32)
}

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(taken(layout), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(taken(layout), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of the system's allocator.
        unsafe { System.dealloc(place, layout) }
    }
}

/// A row as a shop has it.
#[derive(Serialize, Deserialize)]
struct Row {
    id: i64,
    title: String,
    price: i64,
    stock: i64,
    origin: Option<String>,
}

fn row(number: u64) -> Row {
    let (id, price) = (number as i64, number as i64 * 7 % 1_000);
    let title = format!("Tea number {number}");
    Row { id, title, price, stock: 12, origin: Some("Darjeeling".to_owned()) }
}

fn html(number: u64, rows: u64) -> String {
    let mut html = String::new();
    for number in number..number + rows {
        html += &format!("<tr><td>Tea number {number}</td><td>{}</td></tr>\n", number * 7 % 1_000);
    }
    html
}

#[test]
fn entries_take_what_is_counted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        measured("numbers", 5_000, async |cache, number| {
            let key = Key::named("numbers").part("number", number).build();
            let Ok(_) = cache.get_or_set(&key, &HOUR, async || Ok::<_, Infallible>(number)).await;
        })
        .await;
        measured("lists", 500, async |cache, number| {
            let load =
                async || Ok::<Vec<Row>, Infallible>((number..number + 25).map(row).collect());
            let key = Key::named("lists").part("page", number).part("search", "tea").build();
            let Ok(list) = cache.get_or_set(&key, &HOUR, load).await;
            assert_eq!(list.len(), 25);
        })
        .await;
        measured("fragments", 2_000, async |cache, number| {
            let fragment = Fragment::new("rows", Digest::of(b"rows"), HOUR).vary_on("n", number);
            let rows = cache.fragment(fragment, || Html::from_escaped(html(number, 5))).await;
            assert!(rows.unwrap().as_str().contains("Tea"));
        })
        .await;
        for (pages, rows) in [("short pages", 1), ("pages", 200)] {
            measured(pages, 500, async |cache, number| view(cache, number, rows).await).await;
        }
    });
}

/// Looks at a page in gzip.
async fn view(cache: &Cache, number: u64, rows: u64) {
    let handler = move |request: HttpRequest| async move {
        let number = request.query_string().trim_start_matches("n=").parse().unwrap();
        HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header(("ETag", format!("\"{number:032}\"")))
            .insert_header(("Vary", "Accept-Encoding"))
            .insert_header(("Content-Security-Policy", "default-src 'self'"))
            .body(html(number, rows))
    };
    let site = App::new()
        .app_data(Data::new(cache.clone()))
        .service(web::resource("/").wrap(page::cached(HOUR)).get(handler));
    let site = init_service(site).await;
    let request = TestRequest::get().uri(&format!("/?n={number}"));
    let request = request.insert_header((ACCEPT_ENCODING, "gzip")).to_request();
    let answer = call_service(&site, request).await;
    assert!(!read_body(answer).await.is_empty());
}

/// Stores so many entries, and compares what is allocated with what the cache says.
async fn measured(what: &str, entries: u64, store: impl AsyncFn(&Cache, u64)) {
    let cache = Cache::in_memory();
    // What is allocated once for all entries.
    for number in 0..100 {
        store(&cache, 1_000_000 + number).await;
    }
    let said = || cache.inspect().memory().unwrap().bytes as f64;
    let now = || ALLOCATED.load(Ordering::Relaxed) as f64;
    let before = (now(), said());
    for number in 0..entries {
        store(&cache, number).await;
    }
    let said = said() - before.1;
    let takes = now() - before.0;
    let ratio = takes / said;
    let each = |bytes: f64| bytes / entries as f64;
    println!("{what}: {:.0} bytes each, counted as {:.0}: {ratio:.2}", each(takes), each(said));
    assert!((0.6..=1.25).contains(&ratio), "{what} take {ratio} times what is counted");
}
