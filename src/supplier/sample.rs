//! The built-in upstream, slow and failing on purpose, so that its effects can be seen.
//!
//! - It listens on a free port of loopback as long as the program runs.
//! - Each answer takes 700 ms, and every fifth is a 503.
//! - Prices vary a little from one answer to the next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};

use super::client::Upstream;

/// The delay of each answer.
const SLOW: Duration = Duration::from_millis(700);

/// One in this many answers is a failure.
const FAILS: u64 = 5;

/// The items, and their approximate prices in cents.
const GOODS: [(&str, i64); 12] = [
    ("Arborio rice, 25 kg", 4_890),
    ("Basil, fresh, tray of 12", 1_150),
    ("Beeswax candles, box of 50", 3_375),
    ("Cider vinegar, 10 l", 1_990),
    ("Cocoa nibs, 5 kg", 6_225),
    ("Dried apricots, 10 kg", 7_410),
    ("Goat’s cheese, 24 rounds", 5_280),
    ("Honey, heather, 12 jars", 8_640),
    ("Juniper berries, 1 kg", 2_145),
    ("Olive oil, 20 l", 13_900),
    ("Rye flour, 25 kg", 2_735),
    ("Tinned tomatoes, 48 tins", 3_120),
];

/// Starts the upstream and returns its address.
///
/// # Errors
/// One sentence, if no port of loopback can be bound.
pub fn start() -> Result<Upstream, String> {
    let failed =
        |error: std::io::Error| format!("the built-in supplier cannot be started: {error}");
    let asked = Arc::new(AtomicU64::new(0));
    let app = move || {
        let asked = web::Data::from(asked.clone());
        App::new().app_data(asked).route("/prices.json", web::get().to(answer))
    };
    let server = HttpServer::new(app).workers(1).disable_signals();
    let server = server.bind(("127.0.0.1", 0)).map_err(failed)?;
    let address = server.addrs().first().map(ToString::to_string).unwrap_or_default();
    actix_web::rt::spawn(server.run());
    Ok(Upstream::sample(format!("http://{address}/prices.json")))
}

async fn answer(asked: web::Data<AtomicU64>) -> HttpResponse {
    let round = asked.fetch_add(1, Ordering::Relaxed) + 1;
    actix_web::rt::time::sleep(SLOW).await;
    if round.is_multiple_of(FAILS) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let prices: Vec<_> =
        GOODS.iter().enumerate().map(|(place, good)| offer(place, good, round)).collect();
    HttpResponse::Ok().json(serde_json::json!({
        "supplier": "Hill & Daughters",
        "currency": "USD",
        "prices": prices,
    }))
}

fn offer(place: usize, (title, cents): &(&str, i64), round: u64) -> serde_json::Value {
    // Up to two per cent more or less, depending on the round.
    let drift = (i64::try_from(round % 9).unwrap_or(0) - 4) * cents / 200;
    let cents = cents + drift;
    serde_json::json!({
        "sku": format!("HD-{:03}", place + 1),
        "title": title,
        "price": format!("{}.{:02}", cents / 100, cents % 100),
    })
}
