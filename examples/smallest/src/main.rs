//! The smallest site with a cache: one page, which is stored until its data change.
//!
//! `cargo run` in this folder, then `curl -i http://127.0.0.1:8084/` twice: the second answer has
//! `cache-status: larder-cache; hit`. Run `curl -d Oolong http://127.0.0.1:8084/` and request the page again.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::dev::HttpServiceFactory;
use actix_web::{App, HttpServer, Responder, error, web};
use larder_cache::{Cache, Tag, page};

const TEAS: Tag = Tag::named("teas");
const HOUR: Duration = Duration::from_secs(3600);

type Teas = web::Data<Mutex<Vec<String>>>;

async fn index(cache: web::Data<Cache>, teas: Teas) -> impl Responder {
    cache.reads(&[TEAS]); // Before the data are read.
    format!("Our teas: {}\n", teas.lock().unwrap().join(", "))
}

async fn add(cache: web::Data<Cache>, teas: Teas, tea: String) -> actix_web::Result<&'static str> {
    teas.lock().unwrap().push(tea);
    cache.changed(&[TEAS]).await.map_err(error::ErrorInternalServerError)?; // After the write.
    Ok("Added.\n")
}

fn pages() -> impl HttpServiceFactory {
    web::resource("/").wrap(page::cached(HOUR)).get(index).post(add)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    // Once for all workers.
    let (cache, teas) = (web::Data::new(Cache::in_memory()), Teas::default());
    let app = move || App::new().app_data(cache.clone()).app_data(teas.clone()).service(pages());
    HttpServer::new(app).bind(("127.0.0.1", 8084))?.run().await
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use larder_cache::page::{CacheStatus, Outcome};

    use super::*;

    #[actix_web::test]
    async fn the_page_is_stored_until_a_tea_is_added() {
        let cache = web::Data::new(Cache::in_memory());
        let app = App::new().app_data(cache).app_data(Teas::default()).service(pages());
        let app = init_service(app).await;
        let ask = async || {
            let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
            let outcome = CacheStatus::of(response.response()).map(CacheStatus::outcome);
            (outcome, read_body(response).await)
        };
        assert_eq!(ask().await, (Some(Outcome::Stored), "Our teas: \n".into()));
        assert_eq!(ask().await, (Some(Outcome::Hit), "Our teas: \n".into()));
        let add = TestRequest::post().uri("/").set_payload("Oolong").to_request();
        assert_eq!(call_service(&app, add).await.status(), 200);
        assert_eq!(ask().await, (Some(Outcome::Stored), "Our teas: Oolong\n".into()));
    }
}
