//! Tests of pages whose handlers read from failing or slow sources.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};

use super::status::CACHE_STATUS;
use crate::Cache;
use crate::builder::Builder;
use crate::event::{Event, Listener};
use crate::in_process::InProcess;
use crate::key::Key;
use crate::page::{self, Rules};
use crate::policy::Policy;

const SECOND: Duration = Duration::from_secs(1);

/// Whether the source of the handlers below works.
type Works = web::Data<AtomicBool>;

async fn ask(works: Works) -> Result<u32, &'static str> {
    tokio::task::yield_now().await;
    if works.load(Ordering::SeqCst) { Ok(7) } else { Err("down") }
}

/// Prints the source's value, with a policy that prefers a stale value to an error.
async fn patient(cache: web::Data<Cache>, works: Works) -> HttpResponse {
    let policy = Policy::fresh_for(10 * SECOND).stale_if_error(60 * SECOND);
    let key = Key::named("patient").build();
    let value = cache.get_or_set(&key, &policy, async || ask(works).await).await.unwrap();
    HttpResponse::Ok().body(value.to_string())
}

/// Prints the source's value, with a policy that refreshes stale values in the background.
async fn impatient(cache: web::Data<Cache>, works: Works) -> HttpResponse {
    let policy = Policy::fresh_for(10 * SECOND).stale_while_revalidate(60 * SECOND);
    let key = Key::named("impatient").build();
    let value = cache.get_or_refresh(&key, &policy, || ask(works)).await.unwrap();
    HttpResponse::Ok().body(value.to_string())
}

/// Prints the source's value, with a policy that refreshes it long before its end.
async fn ahead(cache: web::Data<Cache>, works: Works) -> HttpResponse {
    let policy = Policy::fresh_for(100 * SECOND).refresh_before(99 * SECOND);
    let key = Key::named("ahead").build();
    let value = cache.get_or_refresh(&key, &policy, || ask(works)).await.unwrap();
    HttpResponse::Ok().body(value.to_string())
}

/// Prints the source's value, or answers with status `without` if that takes too long.
///
/// A source that does not work never answers.
async fn hurried(cache: &Cache, works: Works, without: StatusCode) -> HttpResponse {
    let policy = Policy::fresh_for(10 * SECOND).hard_timeout(SECOND);
    let key = Key::named("hurried").build();
    let load = || async move {
        match ask(works).await {
            Ok(value) => Ok::<_, ()>(value),
            Err(_) => std::future::pending().await,
        }
    };
    match cache.get_or_refresh(&key, &policy, load).await {
        Ok(value) => HttpResponse::Ok().body(value.to_string()),
        Err(_) => HttpResponse::build(without).body("no prices today"),
    }
}

async fn lenient(cache: web::Data<Cache>, works: Works) -> HttpResponse {
    hurried(&cache, works, StatusCode::OK).await
}

async fn strict(cache: web::Data<Cache>, works: Works) -> HttpResponse {
    hurried(&cache, works, StatusCode::SERVICE_UNAVAILABLE).await
}

/// Returns two values of `Cache-Status` for `path`, from two requests in a row.
///
/// They come after a first build and 30 s, with the source as `works` says.
async fn say(path: &str, works: bool) -> [String; 2] {
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    let source = Works::new(AtomicBool::new(true));
    // Without a canary: the source must be called once per page.
    let cached = || page::cached(Rules::shared(Policy::fresh_for(SECOND)).canary(false));
    let app = App::new()
        .app_data(cache.clone())
        .app_data(source.clone())
        .service(web::resource("/patient").wrap(cached()).get(patient))
        .service(web::resource("/impatient").wrap(cached()).get(impatient))
        .service(web::resource("/ahead").wrap(cached()).get(ahead))
        .service(web::resource("/lenient").wrap(cached()).get(lenient))
        .service(web::resource("/strict").wrap(cached()).get(strict));
    let app = init_service(app).await;
    let get = async || {
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        response.headers().get(CACHE_STATUS).unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(get().await, "larder; fwd=uri-miss; stored");
    tokio::time::advance(30 * SECOND).await;
    source.store(works, Ordering::SeqCst);
    let first = get().await;
    // The TTL is in whole seconds: a moment later it is below 1 s, whatever the jitter took off it.
    tokio::time::advance(SECOND / 100).await;
    [first, get().await]
}

#[actix_web::test]
async fn a_page_built_from_a_stale_value_reports_it_and_is_not_stored() {
    tokio::time::pause();
    let old = r#"larder; fwd=stale; detail="stale-if-error""#;
    assert_eq!(say("/patient", false).await, [old, old]);
    let [behind, _] = say("/impatient", true).await;
    assert_eq!(behind, r#"larder; fwd=stale; detail="stale-while-revalidate""#);
}

#[actix_web::test]
async fn a_page_whose_value_is_refreshed_ahead_reports_it_and_is_stored() {
    tokio::time::pause();
    let [ahead, then] = say("/ahead", true).await;
    assert_eq!(ahead, r#"larder; fwd=stale; stored; detail="refreshing ahead""#);
    assert_eq!(then, "larder; hit; ttl=0");
}

#[actix_web::test]
async fn a_page_whose_value_timed_out_reports_it_and_is_not_stored() {
    tokio::time::pause();
    let without = r#"larder; fwd=stale; detail="hard timeout""#;
    for path in ["/lenient", "/strict"] {
        let [first, then] = say(path, false).await;
        assert_eq!(first, without, "{path}");
        assert!(then.ends_with(r#"detail="hard timeout""#), "{path}: {then}");
    }
}

/// A listener that records every outcome.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);
impl Listener for Told {
    fn on(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{:?}", event.outcome));
    }
}

#[actix_web::test]
async fn stale_values_and_background_refreshes_are_reported() {
    tokio::time::pause();
    let told = Arc::new(Told::default());
    let cache = Builder::default().listener(told.clone()).open(Arc::new(InProcess::new()));
    let key = Key::named("test").build();
    let policy = Policy::fresh_for(10 * SECOND).stale_while_revalidate(60 * SECOND);
    for _ in 0..2 {
        cache.get_or_refresh(&key, &policy, || async { Ok::<_, ()>(1) }).await.unwrap();
        tokio::time::advance(30 * SECOND).await;
    }
    let told = told.0.lock().unwrap().join(" ");
    assert!(told.contains("Refreshing Stale(Revalidating)"), "{told}");
}

#[actix_web::test]
async fn a_timeout_is_reported() {
    tokio::time::pause();
    let told = Arc::new(Told::default());
    let cache = Builder::default().listener(told.clone()).open(Arc::new(InProcess::new()));
    let policy = Policy::fresh_for(10 * SECOND).hard_timeout(SECOND);
    let endless = || std::future::pending::<Result<u32, ()>>();
    let _ = cache.get_or_refresh(&Key::named("test").build(), &policy, endless).await;
    let told = told.0.lock().unwrap().join(" ");
    assert_eq!(told, "Miss(Absent) TimedOut");
}

async fn frank(works: Works) -> HttpResponse {
    let mut response = match ask(works).await {
        Ok(_) => HttpResponse::Ok(),
        Err(_) => HttpResponse::InternalServerError(),
    };
    response.insert_header(("cache-control", "max-age=100, stale-if-error=60")).body("7")
}

#[actix_web::test]
async fn a_page_that_was_expired_by_hand_may_be_served_on_error() {
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    let source = Works::new(AtomicBool::new(true));
    let cached = page::cached(Rules::shared(Policy::fresh_for(SECOND)).canary(false));
    let app = App::new().app_data(cache.clone()).app_data(source.clone());
    let app = app.service(web::resource("/").wrap(cached).get(frank));
    let app = init_service(app).await;
    let get = async || {
        let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
        let status = response.headers().get(CACHE_STATUS).unwrap().to_str().unwrap().to_owned();
        (response.status().as_u16(), status)
    };
    assert_eq!(get().await, (200, "larder; fwd=uri-miss; stored".to_owned()));
    assert!(get().await.1.starts_with("larder; hit"));
    let page = cache.inspect().keys("*", 1).await.unwrap().keys.remove(0).key;
    source.store(false, Ordering::SeqCst);
    assert_eq!(cache.inspect().end(&page).await.unwrap(), 1);
    let (code, status) = get().await;
    assert!(code == 200 && status.contains("stale-if-error"), "{code} {status}");
    cache.inspect().delete(&page).await.unwrap();
    assert_eq!(get().await.0, 500, "what is deleted stands in for nothing");
    source.store(true, Ordering::SeqCst);
    assert!(get().await.1.ends_with("stored"));
}

/// A subscriber that counts the events of a level in the log.
struct Count(tracing::Level, Arc<AtomicU32>);
impl tracing::Subscriber for Count {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == self.0
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[actix_web::test]
async fn a_forgotten_cache_is_said_once_in_the_log() {
    let count = Arc::new(AtomicU32::new(0));
    let _guard = tracing::subscriber::set_default(Count(tracing::Level::ERROR, count.clone()));
    let app = App::new().app_data(Works::new(AtomicBool::new(true)));
    let app = app.service(web::resource("/").wrap(page::cached(SECOND)).get(frank));
    let app = init_service(app).await;
    for _ in 0..3 {
        let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
        let status = response.headers().get(CACHE_STATUS).unwrap();
        assert_eq!(status, r#"larder; fwd=bypass; detail="no cache""#);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_layer_around_the_cache_that_reads_cookies_is_said_once_in_the_log() {
    let count = Arc::new(AtomicU32::new(0));
    let _guard = tracing::subscriber::set_default(Count(tracing::Level::WARN, count.clone()));
    let cache = web::Data::new(Builder::default().open(Arc::new(InProcess::new())));
    for (reads, expected) in [(false, 0), (true, 1)] {
        let works = Works::new(AtomicBool::new(true));
        let app =
            App::new().app_data(cache.clone()).app_data(works).wrap_fn(move |request, service| {
                if reads {
                    let _ = request.cookie("sid");
                }
                actix_web::dev::Service::call(service, request)
            });
        let app = app.service(web::resource("/").wrap(page::cached(SECOND)).get(frank));
        let app = init_service(app).await;
        for _ in 0..3 {
            let request = TestRequest::get().uri("/").insert_header(("cookie", "sid=1"));
            assert!(call_service(&app, request.to_request()).await.status().is_success());
        }
        assert_eq!(count.load(Ordering::SeqCst), expected);
    }
}
