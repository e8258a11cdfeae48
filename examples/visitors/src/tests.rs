use actix_web::test::{TestRequest, call_service, init_service, read_body};
use larder_cache::page::Outcome::{Hit, Stored};
use larder_cache::page::{CacheStatus, Outcome};

use super::*;

#[actix_web::test]
async fn a_page_is_shared_by_language_and_carries_each_name_and_orders_are_of_one_user() {
    let cache = web::Data::new(Cache::in_memory());
    let secret = cookie::Key::generate();
    let app = App::new().app_data(cache).app_data(Orders::default()).service(pages(&secret));
    let app = init_service(app).await;
    let sign_in = async |name: &str| {
        let form = TestRequest::post().uri("/sign-in").set_form([("name", name)]).to_request();
        let response = call_service(&app, form).await;
        assert_eq!(response.status(), 303);
        response.response().cookies().next().unwrap().into_owned()
    };
    let ask = async |path: &str,
                     language: &str,
                     session: Option<&cookie::Cookie<'static>>,
                     expected: Outcome| {
        let mut request = TestRequest::get().uri(path).insert_header(("accept-language", language));
        if let Some(session) = session {
            request = request.cookie(session.clone());
        }
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(
            CacheStatus::of(response.response()).map(CacheStatus::outcome),
            Some(expected),
            "{path}"
        );
        String::from_utf8(read_body(response).await.to_vec()).unwrap()
    };
    let (ann, bob) = (sign_in("Ann <&>").await, sign_in("Bob").await);

    assert!(ask("/", "en", None, Stored).await.contains("<h1>Our teas</h1><p></p>"));
    assert!(
        ask("/", "en-GB,en;q=0.8", Some(&ann), Hit)
            .await
            .contains("<p>Hello, Ann &lt;&amp;&gt;!</p>")
    );
    assert!(ask("/", "en", Some(&bob), Hit).await.contains("<p>Hello, Bob!</p>"));
    assert!(ask("/", "de-AT,en;q=0.5", None, Stored).await.contains("<h1>Unsere Tees</h1><p></p>"));
    assert!(ask("/", "de", Some(&bob), Hit).await.contains("Ihre Bestellung"));

    for (session, expected) in
        [(Some(&ann), "Ann <&>: 0"), (Some(&bob), "Bob: 0"), (None, "Sign in first.")]
    {
        assert_eq!(ask("/order", "en", session, Stored).await, expected);
        assert_eq!(ask("/order", "en", session, Hit).await, expected);
    }
    let buy = TestRequest::post().uri("/order").cookie(ann.clone()).to_request();
    assert_eq!(call_service(&app, buy).await.status(), 303);
    assert_eq!(ask("/order", "en", Some(&ann), Stored).await, "Ann <&>: 1");
    assert_eq!(ask("/order", "en", Some(&bob), Stored).await, "Bob: 0");
}
