//! Asks the proxy over HTTP, with a site behind it that says in its headers what may be stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use actix_web::http::Method;
use actix_web::rt;

use super::*;

/// How often the site was asked.
type Asked = Arc<AtomicU32>;

/// The site: what it says of the cache is the query.
async fn site(request: HttpRequest, asked: web::Data<Asked>, body: web::Bytes) -> HttpResponse {
    let number = asked.fetch_add(1, SeqCst) + 1;
    let headers = request.headers();
    if headers.get("if-none-match").is_some_and(|tag| tag == "\"one\"") {
        return HttpResponse::NotModified().insert_header(("etag", "\"one\"")).finish();
    }
    assert!(headers.contains_key("via"));
    let language = headers.get("accept-language").map_or("", |language| language.to_str().unwrap());
    let (host, said) = (headers.get("host").unwrap().to_str().unwrap(), request.query_string());
    let sent = String::from_utf8_lossy(&body);
    HttpResponse::Ok()
        .insert_header(("cache-control", said.replace('_', "=")))
        .insert_header(("etag", "\"one\""))
        .insert_header(("vary", "accept-language"))
        .body(format!(
            "{number} {language} {} {} {sent}",
            request.method(),
            host.starts_with("127.0.0.1")
        ))
}

/// Runs a site and a proxy in front of it, and asks the proxy.
struct Proxied {
    asked: Asked,
    address: String,
    client: Client,
}

impl Proxied {
    fn start() -> Self {
        let asked = Asked::default();
        let counter = web::Data::new(asked.clone());
        let app = move || App::new().app_data(counter.clone()).default_service(web::to(site));
        let behind = HttpServer::new(app).workers(1).bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", behind.addrs()[0]);
        rt::spawn(behind.run());
        let (proxy, port) = serve(address.parse().unwrap(), 0).unwrap();
        rt::spawn(proxy);
        Self { asked, address: format!("http://127.0.0.1:{port}"), client: Client::default() }
    }

    /// Sends a request, and returns `Cache-Status` and the body.
    async fn ask(&self, method: Method, target: &str, body: &'static str) -> (String, String) {
        let request = self.client.request(method, format!("{}{target}", self.address));
        let request = request.insert_header(("accept-language", "en"));
        let mut answer = request.send_body(body).await.unwrap();
        let status = answer.headers().get("cache-status").unwrap().to_str().unwrap().to_owned();
        (status, String::from_utf8(answer.body().await.unwrap().to_vec()).unwrap())
    }

    async fn get(&self, target: &str) -> (String, String) {
        self.ask(Method::GET, target, "").await
    }
}

#[test]
fn what_is_for_one_connection_is_not_sent_on() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "x-one, Keep-Alive"),
        ("x-one", "1"),
        ("keep-alive", "timeout=5"),
        ("x-all", "1"),
    ] {
        headers.insert(name.parse().unwrap(), value.parse().unwrap());
    }
    strip(&mut headers);
    assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-all"]);
}

#[actix_web::test]
async fn the_site_decides_what_is_stored() {
    let proxied = Proxied::start();
    let cases = [
        ("/a?max-age_60", ["uri-miss; stored", "hit"], 1),
        ("/b?no-store", ["uri-miss", "uri-miss"], 2),
        ("/c?private", ["uri-miss", "uri-miss"], 2),
        ("/d?max-age_0", ["uri-miss; stored", "fwd-status=304"], 2),
    ];
    for (target, expected, times) in cases {
        let before = proxied.asked.load(SeqCst);
        for expected in expected {
            let (status, body) = proxied.get(target).await;
            assert!(status.contains(expected), "{target}: {status}");
            assert!(body.contains(" en GET true "), "{body}");
        }
        assert_eq!(proxied.asked.load(SeqCst) - before, times, "{target}");
    }
}

#[actix_web::test]
async fn a_write_passes_and_makes_the_page_stale_and_a_silent_site_is_a_bad_gateway() {
    let proxied = Proxied::start();
    proxied.get("/?max-age_60").await;
    assert!(proxied.get("/?max-age_60").await.0.contains("hit"));
    let (status, body) = proxied.ask(Method::POST, "/?max-age_60", "sent").await;
    assert!(status.contains("fwd=method") && body.ends_with("sent"), "{status} {body}");
    assert!(!proxied.get("/?max-age_60").await.0.contains("hit"));

    // Nothing listens at the port of a socket that is closed.
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let (proxy, port) = serve(format!("http://{closed}").parse().unwrap(), 0).unwrap();
    rt::spawn(proxy);
    let answer = Client::default().get(format!("http://127.0.0.1:{port}/")).send().await.unwrap();
    assert_eq!(answer.status(), 502);
}
