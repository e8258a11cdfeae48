//! The HTML pages of the notices.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::{self, FIELDS};
use super::model::LIST;
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::{FormOnce, Query};
use crate::site::form_page::{self, Noun};
use crate::site::list::{ListQuery, ListView, Parameters};
use crate::site::pagination::PageLink;
use crate::site::render::{Layout, dressed, html};
use crate::site::sheet::{Fields, Sheet};
use crate::site::text::quoted;
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

const SECTION: &str = "notices";

/// Notices, as the page of their form calls them.
const NOUN: Noun = Noun {
    section: SECTION,
    name: "notice",
    list: "/notices",
    all: Some("/notices"),
    can_delete: false,
};

type Answer = Result<HttpResponse, AppError>;

/// The list of the notices.
#[derive(Template)]
#[template(path = "notices/index.html")]
struct IndexPage {
    layout: Layout,
    view: ListView,
}

/// Answers `GET /notices` with a page of the list.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let query = ListQuery::parse(&LIST, &parameters)?;
    let size = state.settings.page_size;
    let found = service::find(&state, query.clone(), size).await?;
    let view = ListView::new(&LIST, query, found, size)?;
    let layout = Layout::new(&visitor, SECTION, LIST.title);
    html(&state, StatusCode::OK, &IndexPage { layout, view }).await
}

/// Answers `GET /notices/new` with an empty form.
pub async fn new(state: web::Data<State>, editor: Editor) -> Answer {
    form_page::show(&state, editor, &NOUN, None, Sheet::empty(FIELDS)).await
}

/// Handles `POST /notices`: adds a notice.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    match forms::parse(&sheet) {
        Ok(title) => {
            let added = format!("Added {}.", quoted(&title));
            service::create(&state, title, once).await?;
            Ok(editor.1.added("/notices", "/notices/new", &added))
        }
        Err(errors) => form_page::show(&state, editor, &NOUN, None, sheet.refused(errors)).await,
    }
}

dressed!(IndexPage);
