//! The HTML pages of the league.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::forms::MemberForm;
use super::model::{Member, MemberId, Row, Season};
use super::service::{self, Change};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::back::Back;
use crate::site::data_block::DataBlock;
use crate::site::form::{Form, FormErrors, Id, Query};
use crate::site::headers::WITH_SCRIPT;
use crate::site::render::{Layout, dressed, html};
use crate::site::text::fold;
use crate::site::visitor::{Editor, Visitor};
use crate::site::{assets, pagination};
use crate::state::State;

const SECTION: &str = "scoreboard";

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
    let layout = Layout::new(&visitor, SECTION, "League");
    let page = IndexPage { layout, season, seasons, data, reader: visitor.name().map(fold) };
    let mut answer = html(&state, StatusCode::OK, &page).await?;
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, WITH_SCRIPT);
    Ok(answer)
}

/// The form of a member.
#[derive(Template)]
#[template(path = "scoreboard/edit.html")]
struct EditPage {
    layout: Layout,
    back: Back,
    id: MemberId,
    form: MemberForm,
    errors: FormErrors,
    /// The current member, if another user has changed them since the form was shown.
    current: Option<Member>,
}

impl EditPage {
    fn of(Editor(visitor, back): Editor, id: MemberId, form: MemberForm) -> Self {
        let layout = Layout::new(&visitor, SECTION, "Edit member");
        Self { layout, back, id, form, errors: FormErrors::default(), current: None }
    }
}

/// Handles `GET /scoreboard/members/{id}/edit`: the form.
pub async fn edit(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<MemberId>,
) -> Result<HttpResponse, AppError> {
    let member = service::member(&state, id).await?.ok_or(AppError::NotFound)?;
    let page = EditPage::of(editor, id, MemberForm::showing(&member));
    html(&state, StatusCode::OK, &page).await
}

/// Handles `POST /scoreboard/members/{id}`: changes a member.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<MemberId>,
    Form(form): Form<MemberForm>,
) -> Result<HttpResponse, AppError> {
    let changes = match form.parse() {
        Ok(changes) => changes,
        Err(errors) => {
            let page = EditPage { errors, ..EditPage::of(editor, id, form) };
            return html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let saved = format!("Saved “{}”.", changes.name);
    match service::update(&state, id, form.seen(), changes).await? {
        Change::Done => {
            let item = format!("/scoreboard/members/{id}");
            Ok(editor.1.saved("/scoreboard", &item, &saved))
        }
        Change::Taken => {
            let mut page = EditPage::of(editor, id, form);
            page.errors.note("name", "There is another member of this name.");
            html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await
        }
        Change::Conflict(None) => Err(AppError::NotFound),
        Change::Conflict(Some(current)) => {
            let (was_name, was_favourite) = (current.name.clone(), current.favourite.clone());
            // The page shows the current member, so sending the form again may overwrite it.
            let form = MemberForm { was_name, was_favourite, ..form };
            let page = EditPage { current: Some(current), ..EditPage::of(editor, id, form) };
            html(&state, StatusCode::CONFLICT, &page).await
        }
    }
}

/// Returns the season that `text` names, if it exists and is written in canonical digits.
fn asked_for(text: &str, seasons: &[i64]) -> Option<i64> {
    let year = pagination::page_number(text).and_then(|year| i64::try_from(year).ok())?;
    seasons.contains(&year).then_some(year)
}

dressed!(EditPage, IndexPage);
