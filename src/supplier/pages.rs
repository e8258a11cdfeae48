//! The HTML page of the supplier's prices.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::client::Client;
use super::model::{LIST, Prices};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::Query;
use crate::site::list::{ListQuery, ListView, Parameters, among};
use crate::site::pagination::PageLink;
use crate::site::render::{Layout, dressed, html};
use crate::site::time::Timestamp;
use crate::site::visitor::Visitor;
use crate::state::State;

/// The page with the prices.
#[derive(Template)]
#[template(path = "supplier/index.html")]
struct IndexPage {
    layout: Layout,
    view: ListView,
    prices: Arc<Prices>,
    /// The age of the prices, if they are stale.
    late: Option<String>,
    /// Whether the prices come from the built-in upstream.
    is_sample: bool,
}

/// Handles `GET /supplier`: the prices.
pub async fn index(
    state: web::Data<State>,
    client: web::Data<Client>,
    visitor: Visitor,
    Query(parameters): Query<Parameters>,
) -> Result<HttpResponse, AppError> {
    let query = ListQuery::parse(&LIST, &parameters)?;
    let (prices, is_old) = service::prices(&state.cache, &client).await?;
    let late = is_old.then(|| in_words(prices.age(Timestamp::now())));
    let is_sample = client.is_sample();
    let size = state.settings.page_size;
    let found = among(&LIST, &query, size, prices.rows());
    let view = ListView::new(&LIST, query, found, size)?;
    let layout = Layout::new(&visitor, "supplier", "Supplier");
    html(&state, StatusCode::OK, &IndexPage { layout, view, prices, late, is_sample }).await
}

/// Returns the age in words, rounded down, such as `12 minutes`.
fn in_words(age: Duration) -> String {
    let seconds = age.as_secs();
    let (count, unit) = match seconds {
        ..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        _ => (seconds / 3_600, "hour"),
    };
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{ending}")
}

dressed!(IndexPage);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_in_words() {
        let cases = [(1, "1 second"), (59, "59 seconds"), (61, "1 minute"), (7_300, "2 hours")];
        for (seconds, words) in cases {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
