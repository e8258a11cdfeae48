//! The HTML pages of the league.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::forms::{self, FIELDS};
use super::model::{MemberId, Row, Season};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::data_block::DataBlock;
use crate::site::form::{Form, Id, Query};
use crate::site::form_page::{self, Noun};
use crate::site::render::{Layout, dressed, html};
use crate::site::sheet::{Fields, Sheet};
use crate::site::visitor::{Editor, Visitor};
use crate::site::words::fold;
use crate::site::{assets, pagination};
use crate::state::State;

const SECTION: &str = "scoreboard";

type Answer = Result<HttpResponse, AppError>;

/// The query string of the table.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct IndexQuery {
    season: String,
}

/// The page with the table of a season.
#[derive(Template)]
#[template(path = "scoreboard/index.html")]
struct IndexPage {
    layout: Layout,
    season: Arc<Season>,
    seasons: Arc<Vec<i64>>,
    /// The rows as JSON, which the script sorts.
    data: DataBlock,
    /// The signed-in visitor's case-folded name; `None` for an anonymous visitor.
    reader: Option<String>,
}

impl IndexPage {
    fn script(&self) -> &'static str {
        assets::LEAGUE_SCRIPT.url()
    }

    /// Reports whether `row` belongs to the signed-in visitor.
    fn is_own(&self, row: &Row) -> bool {
        self.reader.as_ref().is_some_and(|reader| *reader == fold(&row.name))
    }
}

/// Handles `GET /scoreboard?season=2026`: the table of a season, the newest by default.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<IndexQuery>,
) -> Answer {
    let seasons = service::seasons(&state).await?;
    let season = match (&*query.season, seasons.first()) {
        ("", newest) => newest.copied().unwrap_or_default(),
        (asked, _) => asked_for(asked, &seasons).ok_or(AppError::NotFound)?,
    };
    let season = service::table(&state, season).await?;
    let data = DataBlock::of(&season.rows).map_err(|error| {
        AppError::Internal(Arc::new(anyhow::Error::new(error).context("write the league as JSON")))
    })?;
    let layout = Layout::new(&visitor, SECTION, "League");
    let page = IndexPage { layout, season, seasons, data, reader: visitor.name().map(fold) };
    html(&state, StatusCode::OK, &page).await
}

/// Members, as the page of their form calls them.
const NOUN: Noun =
    Noun { section: SECTION, name: "member", list: "/scoreboard", all: None, can_delete: false };

/// Returns the address of a member.
fn path(id: MemberId) -> String {
    format!("/scoreboard/members/{id}")
}

/// Handles `GET /scoreboard/members/{id}/edit`: the form.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<MemberId>) -> Answer {
    let member = service::member(&state, id).await?.ok_or(AppError::NotFound)?;
    let sheet = Sheet::showing(FIELDS, member.values());
    form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await
}

/// Handles `POST /scoreboard/members/{id}`: changes a member.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<MemberId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    let changes = match forms::parse(&sheet) {
        Ok(changes) => changes,
        Err(errors) => {
            let sheet = sheet.refused(errors);
            return form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await;
        }
    };
    let edit = sheet.edit(changes.values());
    let change = service::update(&state, id, edit.clone(), changes).await?;
    let change = change.map(|member| member.values());
    form_page::settle(&state, editor, &NOUN, path(id), sheet, (edit, change)).await
}

/// Returns the season that `text` names, if it exists and is written in canonical digits.
fn asked_for(text: &str, seasons: &[i64]) -> Option<i64> {
    let year = pagination::page_number(text).and_then(|year| i64::try_from(year).ok())?;
    seasons.contains(&year).then_some(year)
}

dressed!(IndexPage);
