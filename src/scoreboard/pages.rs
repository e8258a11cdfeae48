//! The league as HTML.

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
use crate::site::data_block::DataBlock;
use crate::site::form::{Form, FormErrors, Id, Query};
use crate::site::headers::WITH_SCRIPT;
use crate::site::render::{Layout, dressed, html};
use crate::site::text::fold;
use crate::site::visitor::{Editor, Visitor};
use crate::site::{assets, flash, pagination};
use crate::state::State;

const SECTION: &str = "scoreboard";

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
    let layout = Layout::new(&visitor, SECTION, "League");
    let page = IndexPage { layout, season, seasons, data, reader: visitor.name().map(fold) };
    let mut answer = html(&state, StatusCode::OK, &page).await?;
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, WITH_SCRIPT);
    Ok(answer)
}

/// The form for a member.
#[derive(Template)]
#[template(path = "scoreboard/edit.html")]
struct EditPage {
    layout: Layout,
    id: MemberId,
    form: MemberForm,
    errors: FormErrors,
    /// As they are now, where somebody else has changed them meanwhile.
    current: Option<Member>,
}

impl EditPage {
    fn of(visitor: &Visitor, id: MemberId, form: MemberForm) -> Self {
        let layout = Layout::new(visitor, SECTION, "Edit member");
        Self { layout, id, form, errors: FormErrors::default(), current: None }
    }
}

/// `GET /scoreboard/members/{id}/edit`
pub async fn edit(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<MemberId>,
) -> Result<HttpResponse, AppError> {
    let member = service::member(&state, id).await?.ok_or(AppError::NotFound)?;
    let page = EditPage::of(&visitor, id, MemberForm::showing(&member));
    html(&state, StatusCode::OK, &page).await
}

/// `POST /scoreboard/members/{id}`
pub async fn update(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<MemberId>,
    Form(form): Form<MemberForm>,
) -> Result<HttpResponse, AppError> {
    let changes = match form.parse() {
        Ok(changes) => changes,
        Err(errors) => {
            let page = EditPage { errors, ..EditPage::of(&visitor, id, form) };
            return html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let saved = format!("Saved “{}”.", changes.name);
    match service::update(&state, id, form.seen(), changes).await? {
        Change::Done => Ok(flash::redirect("/scoreboard", &saved)),
        Change::Conflict(None) => Err(AppError::NotFound),
        Change::Conflict(Some(current)) => {
            let (was_name, was_favourite) = (current.name.clone(), current.favourite.clone());
            // Who sends it once more has seen what there is now.
            let form = MemberForm { was_name, was_favourite, ..form };
            let page = EditPage { current: Some(current), ..EditPage::of(&visitor, id, form) };
            html(&state, StatusCode::CONFLICT, &page).await
        }
    }
}

/// A season that there is, written as a year is.
fn asked_for(text: &str, seasons: &[i64]) -> Option<i64> {
    let year = pagination::page_number(text).and_then(|year| i64::try_from(year).ok())?;
    seasons.contains(&year).then_some(year)
}

dressed!(EditPage, IndexPage);
