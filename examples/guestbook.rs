//! A guest book without a database: a cached page, a cached fragment and a cached value.
//! Run `cargo run --example guestbook`, then `curl -i http://127.0.0.1:8080/` twice: the second answer has
//! `cache-status: guestbook; hit`. Run `curl -d name=Ann http://127.0.0.1:8080/` and request the page again.
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use askama::Template;
use larder::cache::fragment::{Digest, Fragment, Fragments, filters};
use larder::cache::{Builder, Cache, InProcess, Key, Policy, Tag, page};

const GUESTS: Tag = Tag::named("guests");
const MINUTE: Policy = Policy::fresh_for(std::time::Duration::from_secs(60));

#[derive(Template)]
#[template(
    source = "{% filter cached(self.title()) %}<h1>Guests</h1>{% endfilter %}\
              <ul>{% for guest in self.0.iter() %}<li>{{ guest }}{% endfor %}</ul>",
    ext = "html"
)]
struct Book(Arc<Vec<String>>);

impl Book {
    fn title(&self) -> Fragment {
        Fragment::new("book.title", Digest::of(include_bytes!("guestbook.rs")), MINUTE)
    }
}

impl Fragments for Book {
    fn fragments(&self) -> Vec<Fragment> {
        vec![self.title()]
    }
}

type Guests = web::Data<(Mutex<Vec<String>>, Arc<InProcess>)>;

async fn show(cache: web::Data<Cache>, guests: Guests) -> impl Responder {
    let load = async || {
        guests.1.reads(&[GUESTS]);
        Ok::<_, std::io::Error>(guests.0.lock().unwrap().clone())
    };
    let names = cache.get_or_set(&Key::named("guests").build(), &MINUTE, load).await.unwrap();
    web::Html::new(cache.render(&Book(names)).await.unwrap())
}

async fn sign(guests: Guests, form: web::Form<Vec<(String, String)>>) -> impl Responder {
    guests.0.lock().unwrap().extend(form.into_inner().into_iter().map(|(_, name)| name));
    guests.1.bump(&[GUESTS]);
    HttpResponse::SeeOther().insert_header(("location", "/")).finish()
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let versions = Arc::new(InProcess::new());
    let cache = web::Data::new(Builder::default().name("guestbook").open(versions.clone()));
    let guests = Guests::new((Mutex::new(Vec::new()), versions));
    let book = || web::resource("/").wrap(page::cached(MINUTE)).get(show).post(sign);
    let app = move || App::new().app_data(cache.clone()).app_data(guests.clone()).service(book());
    HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await
}
