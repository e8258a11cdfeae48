//! The page cache with actix-session, actix-identity and an application's own middleware, in both orders of layers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::storage::{CookieSessionStore, SessionStore};
use actix_session::{Session, SessionMiddleware};
use actix_web::body::MessageBody;
use actix_web::cookie::Key;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use larder_cache::page::{self, Rules};

use super::line::Answer;
use super::plain::Plain;
use super::redis_sessions;

const MINUTE: Duration = Duration::from_secs(60);

/// Which layer is around the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As it should be.
    CacheAroundSession,
    SessionAroundCache,
}

const ORDERS: [Order; 2] = [Order::CacheAroundSession, Order::SessionAroundCache];

fn sessions<S: SessionStore>(store: S) -> SessionMiddleware<S> {
    let key = Key::from(&[7; 64]);
    SessionMiddleware::builder(store, key).cookie_secure(false).build()
}

async fn log_in(request: HttpRequest, name: web::Path<String>, session: Session) -> &'static str {
    session.insert("name", &*name).unwrap();
    session.insert("token", format!("token-of-{name}")).unwrap();
    Identity::login(&request.extensions(), name.into_inner()).unwrap();
    "Welcome."
}

/// Says of the cache what the query says.
fn page(request: &HttpRequest, body: impl Into<String>) -> HttpResponse {
    let said = match request.query_string() {
        "public" => "public, max-age=60",
        _ => "max-age=60",
    };
    HttpResponse::Ok().insert_header(("Cache-Control", said)).body(body.into())
}

async fn greet(request: HttpRequest, session: Session) -> HttpResponse {
    let name: Option<String> = session.get("name").unwrap();
    page(&request, format!("Hello, {}.", name.as_deref().unwrap_or("guest")))
}

/// Shows the token of the session, as a form does; a new session gets a new one.
async fn form(request: HttpRequest, session: Session) -> HttpResponse {
    static NTH: AtomicUsize = AtomicUsize::new(0);
    let token = session.get::<String>("token").unwrap().unwrap_or_else(|| {
        let token = format!("token-{}", NTH.fetch_add(1, Ordering::SeqCst));
        session.insert("token", &token).unwrap();
        token
    });
    page(&request, token)
}

async fn identified(request: HttpRequest, user: Option<Identity>) -> HttpResponse {
    let name = user.and_then(|user| user.id().ok());
    page(&request, format!("Hello, {}.", name.as_deref().unwrap_or("guest")))
}

async fn plain(request: HttpRequest) -> HttpResponse {
    page(&request, "the same for all")
}

/// Returns a site for each store of sessions: the cookie itself, and Redis.
fn sites(order: Order, rules: &Rules) -> Vec<Plain> {
    let in_cookies = open(order, rules, CookieSessionStore::default);
    let in_redis = redis_sessions::store().map(|store| open(order, rules, move || store.clone()));
    std::iter::once(in_cookies).chain(in_redis).collect()
}

fn open<S: SessionStore + 'static>(
    order: Order,
    rules: &Rules,
    store: impl Fn() -> S + Clone + Send + 'static,
) -> Plain {
    let rules = rules.clone().canary(false);
    Plain::open(move |config| {
        let pages = web::scope("/pages")
            .route("/greet", web::get().to(greet))
            .route("/form", web::get().to(form))
            .route("/identified", web::get().to(identified))
            .route("/plain", web::get().to(plain));
        let cached = page::cached(rules.clone());
        let identity = IdentityMiddleware::default;
        match order {
            Order::CacheAroundSession => {
                let login = web::resource("/login/{name}").wrap(identity()).wrap(sessions(store()));
                config.service(login.get(log_in));
                config.service(pages.wrap(identity()).wrap(sessions(store())).wrap(cached));
            }
            Order::SessionAroundCache => {
                let login = web::resource("/login/{name}").get(log_in);
                let site = web::scope("").wrap(identity()).wrap(sessions(store()));
                config.service(site.service(login).service(pages.wrap(cached)));
            }
        }
    })
}

/// Returns the header line with the cookie of a new session.
fn cookie(site: &Plain, name: &str) -> String {
    let answer = site.get(&format!("/login/{name}"));
    let set = answer.header("set-cookie").expect("a session").to_owned();
    format!("Cookie: {}", set.split(';').next().unwrap())
}

/// Returns the answers to Ann, to Bob and to a visitor without a session, asked twice.
fn six(site: &Plain, target: &str) -> Vec<Answer> {
    let (ann, bob) = (cookie(site, "ann"), cookie(site, "bob"));
    let lines = [vec![ann.as_str()], vec![bob.as_str()], vec![]];
    lines.iter().cycle().take(6).map(|lines| site.ask("GET", target, lines)).collect()
}

fn respecting() -> [Rules; 2] {
    [Rules::respecting(), Rules::respecting().default_lifetime(MINUTE)]
}

#[test]
fn handlers_of_shared_pages_see_no_session_in_either_order() {
    for order in ORDERS {
        for page in ["greet", "greet?public", "form", "identified"] {
            for site in sites(order, &Rules::from(MINUTE)) {
                for answer in six(&site, &format!("/pages/{page}")) {
                    let text = answer.text();
                    assert!(
                        !text.contains("ann") && !text.contains("bob"),
                        "{order:?} {page} {text}"
                    );
                }
            }
        }
        for site in sites(order, &Rules::from(MINUTE)) {
            let answers = six(&site, "/pages/greet");
            assert!(answers.iter().all(|answer| answer.text() == "Hello, guest."), "{order:?}");
            assert!(answers[1..].iter().all(Answer::is_hit), "{order:?}: it is for everybody");
        }
    }
}

#[test]
fn a_session_page_of_a_third_party_handler_is_for_its_visitor_alone() {
    for order in ORDERS {
        for rules in respecting() {
            for (page, is_kept_in) in [("greet", "Hello, {}."), ("identified", "Hello, {}.")] {
                for site in sites(order, &rules) {
                    let answers = six(&site, &format!("/pages/{page}"));
                    for (answer, name) in answers.iter().zip(["ann", "bob", "guest"]) {
                        assert_eq!(
                            answer.text(),
                            is_kept_in.replace("{}", name),
                            "{order:?} {page}"
                        );
                    }
                }
            }
            for site in sites(order, &rules) {
                let answers = six(&site, "/pages/form");
                let tokens: Vec<_> = answers.iter().map(Answer::text).collect();
                assert_eq!(tokens[..2], ["token-of-ann", "token-of-bob"], "{order:?}");
                // The token of a new session is its visitor's, who is sent a cookie with it.
                assert!(tokens[2] != tokens[5], "{order:?}: {tokens:?}");
                assert!(answers[5].header("set-cookie").is_some(), "{order:?}");
            }
        }
    }
}

/// A handler could see the session, even if it says `public`.
#[test]
fn within_a_session_no_page_of_a_third_party_handler_is_stored() {
    for rules in respecting() {
        for page in ["greet", "greet?public", "plain", "plain?public"] {
            for site in sites(Order::SessionAroundCache, &rules) {
                let answers = six(&site, &format!("/pages/{page}"));
                assert!(
                    answers[0].fate().contains("session around"),
                    "{page}: {}",
                    answers[0].fate()
                );
                assert!(!answers.iter().any(Answer::is_hit), "{page}");
                let is_personal = page.starts_with("greet");
                assert_eq!(answers[3].text() == "Hello, ann.", is_personal, "{page}");
            }
        }
    }
}

#[test]
fn around_a_session_pages_without_one_are_shared() {
    for rules in respecting() {
        for site in sites(Order::CacheAroundSession, &rules) {
            assert!(site.get("/pages/plain").is_stored());
            let answers = six(&site, "/pages/plain");
            assert!(answers.iter().all(Answer::is_hit));
        }
    }
}

/// What an application has found out about a visitor.
#[derive(Debug, Clone)]
struct User(String);

/// How the application reads the cookie.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Parsed,
    Raw,
    Header,
}

async fn recognise(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let reading = ***request.app_data::<web::Data<Reading>>().unwrap();
    let name = match reading {
        Reading::Parsed => request.cookie("user").map(|cookie| cookie.value().to_owned()),
        Reading::Raw => request.request().cookies_raw().ok().and_then(|cookies| {
            let known = cookies.iter().find(|cookie| cookie.name() == "user");
            known.map(|cookie| cookie.value().to_owned())
        }),
        Reading::Header => request.headers().get("cookie").map(|line| {
            line.to_str().unwrap().split_once("user=").unwrap_or_default().1.to_owned()
        }),
    };
    request.extensions_mut().insert(User(name.clone().unwrap_or_default()));
    let response = next.call(request).await?;
    let known = response.request().extensions().get::<User>().map(|user| user.0.clone());
    assert_eq!(known, Some(name.unwrap_or_default()), "the layer finds what it has put there");
    Ok(response)
}

async fn known(request: HttpRequest) -> HttpResponse {
    let name = request.extensions().get::<User>().map(|user| user.0.clone());
    let peer = request.peer_addr().map(|peer| peer.to_string());
    let peer = format!("{} from {}", name.unwrap_or_default(), peer.unwrap_or_default());
    page(&request, peer)
}

/// Serves `/` with the application's middleware around the cache.
fn recognising(reading: Reading, rules: Rules) -> Plain {
    Plain::open(move |config| {
        config.app_data(web::Data::new(reading));
        let cached = page::cached(rules.clone().canary(false));
        config.service(web::resource("/").wrap(cached).wrap(from_fn(recognise)).get(known));
    })
}

const READINGS: [Reading; 3] = [Reading::Parsed, Reading::Raw, Reading::Header];

#[test]
fn handlers_of_shared_pages_see_no_extensions_and_no_addresses() {
    for reading in READINGS {
        let site = recognising(reading, Rules::from(MINUTE));
        for (line, is_hit) in [("Cookie: user=ann", false), ("Cookie: user=bob", true)] {
            let answer = site.ask("GET", "/", &[line]);
            assert_eq!(answer.text(), " from 0.0.0.0:0", "{reading:?}");
            assert_eq!(answer.is_hit(), is_hit, "{reading:?}");
        }
    }
}

#[test]
fn handlers_of_shared_pages_see_the_extensions_that_their_owner_names() {
    let site = recognising(Reading::Parsed, Rules::from(MINUTE).carry::<User>().carry::<u8>());
    for line in ["Cookie: user=ann", "Cookie: user=bob"] {
        assert_eq!(site.ask("GET", "/", &[line]).text(), "ann from 0.0.0.0:0");
    }
}

#[test]
fn what_a_layer_made_of_cookies_is_not_stored_by_respecting_rules() {
    for reading in READINGS {
        for target in ["/", "/?public"] {
            // Whether a layer has read the header itself cannot be seen. Then the handler's word counts.
            if matches!(reading, Reading::Header) && target == "/?public" {
                continue;
            }
            let site = recognising(reading, Rules::respecting());
            for (line, name) in [("user=ann", "ann"), ("user=bob", "bob"), ("user=ann", "ann")] {
                let answer = site.ask("GET", target, &[&format!("Cookie: {line}")]);
                let text = answer.text();
                assert!(text.starts_with(name), "{reading:?} {target} {text}");
                assert!(text.contains("127.0.0.1"), "a third party's handler sees all: {text}");
            }
        }
    }
}
