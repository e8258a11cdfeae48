//! The league as HTML.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::model::{Row, Season};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::data_block::DataBlock;
use crate::site::form::Query;
use crate::site::headers::WITH_SCRIPT;
use crate::site::render::{Dressed, Layout, html};
use crate::site::text::fold;
use crate::site::visitor::Visitor;
use crate::site::{assets, pagination};
use crate::state::State;

/// What stands behind the `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IndexQuery {
    season: String,
}

/// The table of a season.
#[derive(Template)]
#[template(path = "scoreboard/index.html")]
struct IndexPage {
    layout: Layout,
    season: Arc<Season>,
    seasons: Arc<Vec<i64>>,
    /// What the script sorts by.
    data: DataBlock,
    /// The reader's name, folded; none where nobody has signed in.
    reader: Option<String>,
}

impl IndexPage {
    fn script(&self) -> &'static str {
        assets::LEAGUE_SCRIPT.url()
    }

    /// Whether it is the reader's own row.
    fn is_own(&self, row: &Row) -> bool {
        self.reader.as_ref().is_some_and(|reader| *reader == fold(&row.name))
    }
}

/// `GET /scoreboard?season=2026`
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<IndexQuery>,
) -> Result<HttpResponse, AppError> {
    let seasons = service::seasons(&state).await?;
    let season = match (&*query.season, seasons.first()) {
        ("", newest) => newest.copied().unwrap_or_default(),
        (asked, _) => asked_for(asked, &seasons).ok_or(AppError::NotFound)?,
    };
    let season = service::table(&state, season).await?;
    let data = DataBlock::of(&season.rows).map_err(|error| {
        AppError::Internal(Arc::new(anyhow::Error::new(error).context("write the league as JSON")))
    })?;
    let layout = Layout::new(&visitor, "scoreboard", "League");
    let page = IndexPage { layout, season, seasons, data, reader: visitor.name().map(fold) };
    let mut answer = html(&state, StatusCode::OK, &page).await?;
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, WITH_SCRIPT);
    Ok(answer)
}

/// A season that there is, written as a year is.
fn asked_for(text: &str, seasons: &[i64]) -> Option<i64> {
    let year = pagination::page_number(text).and_then(|year| i64::try_from(year).ok())?;
    seasons.contains(&year).then_some(year)
}

impl Dressed for IndexPage {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}
