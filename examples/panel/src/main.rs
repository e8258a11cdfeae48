//! Notes in memory, without a database, with the toolbar, the dashboard and the metrics.
//!
//! `cargo run` in this folder, then open `http://127.0.0.1:8090/`: the page carries the toolbar. The dashboard is at
//! `/_larder/cache`, the metrics are at `/_larder/metrics`.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, Responder, web};
use larder_cache::{Cache, Policy, Tag, page};
use larder_panel::Panel;
use serde::Deserialize;

const NOTES: Tag = Tag::named("notes");
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

#[derive(Deserialize)]
struct Note {
    text: String,
}

async fn index(cache: web::Data<Cache>, notes: web::Data<Notes>) -> impl Responder {
    // The stamp before the data: a write in between makes this page stale.
    cache.reads(&[NOTES]);
    let notes = notes.0.lock().unwrap().clone();
    let escaped = notes.iter().map(|text| text.replace('&', "&amp;").replace('<', "&lt;"));
    let items: String = escaped.map(|text| format!("<li>{text}")).collect();
    let form = "<form method=post><input name=text aria-label=Note><button>Add</button></form>";
    let head = "<meta name=viewport content=width=device-width><meta name=color-scheme content='light dark'>";
    let head = format!("<!doctype html><html lang=en>{head}<title>Notes</title>");
    web::Html::new(format!("{head}<body><ul>{items}</ul>{form}</body>"))
}

async fn add(
    cache: web::Data<Cache>,
    notes: web::Data<Notes>,
    note: web::Form<Note>,
) -> Result<impl Responder, actix_web::Error> {
    notes.0.lock().unwrap().push(note.into_inner().text);
    cache.changed(&[NOTES]).await.map_err(actix_web::error::ErrorInternalServerError)?;
    Ok(HttpResponse::SeeOther().insert_header(("location", "/")).finish())
}

/// Serves the notes at this port; returns the server and its port.
fn serve(port: u16) -> std::io::Result<(Server, u16)> {
    let (cache, notes) = (Cache::in_memory(), web::Data::new(Notes::default()));
    let panel = Panel::new(&cache)
        .at("/_larder")
        .allow(|request| request.peer_addr().is_some_and(|peer| peer.ip().is_loopback()));
    let app = move || {
        App::new()
            .app_data(web::Data::new(cache.clone()))
            .app_data(notes.clone())
            .service(web::resource("/").wrap(page::cached(HOUR)).get(index).post(add))
            .configure(panel.routes())
            .wrap(panel.clone())
    };
    let server = HttpServer::new(app).workers(2).bind(("127.0.0.1", port))?;
    let port = server.addrs()[0].port();
    Ok((server.run(), port))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    serve(8090)?.0.await
}

#[cfg(test)]
mod tests;
