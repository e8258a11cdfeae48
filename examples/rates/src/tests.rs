use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use larder_cache::testing::Clock;

use super::*;

/// An upstream that counts how often it is asked, and fails when it is told to.
#[derive(Default)]
struct Counting {
    asked: AtomicU32,
    fails: AtomicBool,
}

async fn counted(counting: web::Data<Counting>) -> HttpResponse {
    let number = counting.asked.fetch_add(1, SeqCst);
    match counting.fails.load(SeqCst) {
        true => HttpResponse::ServiceUnavailable().finish(),
        false => {
            HttpResponse::Ok().json(Rates::from([("EUR".to_owned(), f64::from(number) + 0.5)]))
        }
    }
}

#[actix_web::test]
async fn callers_share_one_call_and_get_the_old_rate_where_there_is_no_new_one() {
    let counting = web::Data::new(Counting::default());
    let (counted_by, counters) = (counting.clone(), counting.clone());
    let upstream = HttpServer::new(move || {
        App::new().app_data(counted_by.clone()).default_service(web::to(counted))
    });
    let upstream = upstream.workers(1).bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/", upstream.addrs()[0]);
    actix_web::rt::spawn(upstream.run());

    let upstream = web::Data::new(Upstream::new(&address));
    let app = App::new().app_data(web::Data::new(Cache::in_memory())).app_data(upstream);
    let app = init_service(app.service(pages())).await;
    let ask = async |path: &str| {
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        (response.status().as_u16(), String::from_utf8(read_body(response).await.to_vec()).unwrap())
    };
    let asked = || counters.asked.load(SeqCst);

    counting.fails.store(true, SeqCst);
    assert_eq!(ask("/rates/EUR").await.0, 502, "there is nothing old");
    counting.fails.store(false, SeqCst);
    let together = (0..5).map(|_| ask("/rates/EUR"));
    for answer in futures_util::future::join_all(together).await {
        assert_eq!(answer, (200, r#"{"currency":"EUR","rate":1.5,"stale":null}"#.to_owned()));
    }
    assert_eq!(ask("/rates/XXX").await.0, 404);
    assert_eq!(asked(), 2);

    counting.fails.store(true, SeqCst);
    let clock = Clock::stop();
    clock.advance(Duration::from_secs(61)).await;
    let (status, old) = ask("/rates/EUR").await;
    assert_eq!(status, 200);
    assert!(old.contains(r#""rate":1.5,"stale":""#), "{old}");
}
