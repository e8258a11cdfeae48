//! The catalogue's HTML pages.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::{self, FIELDS};
use super::model::{LIST, Product, ProductId};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::{Form, FormOnce, Id, Query};
use crate::site::form_page::{self, Noun};
use crate::site::list::{ListQuery, ListView, Parameters};
use crate::site::pagination::PageLink;
use crate::site::render::{Layout, dressed, html};
use crate::site::sheet::{Fields, Sheet};
use crate::site::text::quoted;
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

const SECTION: &str = "products";

type Answer = Result<HttpResponse, AppError>;

/// The homepage: the list of the products.
#[derive(Template)]
#[template(path = "products/index.html")]
struct IndexPage {
    layout: Layout,
    view: ListView,
}

/// Answers `GET /` with a page of the catalogue.
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

/// The page of one product.
#[derive(Template)]
#[template(path = "products/show.html")]
struct ShowPage {
    layout: Layout,
    product: Product,
}

/// Answers `GET /products/{id}` with the page of one product.
pub async fn show(state: web::Data<State>, visitor: Visitor, Id(id): Id<ProductId>) -> Answer {
    let product = found(&state, id).await?;
    let layout = Layout::new(&visitor, SECTION, &product.title);
    html(&state, StatusCode::OK, &ShowPage { layout, product }).await
}

/// Returns the product, or the error for 404.
async fn found(state: &State, id: ProductId) -> Result<Product, AppError> {
    let product = service::show(state, id).await?;
    (*product).clone().ok_or(AppError::NotFound)
}

/// Products, as the pages of their forms call them.
const NOUN: Noun =
    Noun { section: SECTION, name: "product", list: "/", all: Some("/products"), can_delete: true };

/// Returns the address of a product.
fn path(id: ProductId) -> String {
    format!("/products/{id}")
}

/// Answers `GET /products/new` with an empty form.
pub async fn new(state: web::Data<State>, editor: Editor) -> Answer {
    form_page::show(&state, editor, &NOUN, None, Sheet::empty(FIELDS)).await
}

/// Handles `POST /products`: adds a product.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    match forms::parse(&sheet) {
        Ok(product) => {
            let added = format!("Added {}.", quoted(product.title.as_str()));
            service::create(&state, product, once).await?;
            Ok(editor.1.added("/", "/products/new", &added))
        }
        Err(errors) => form_page::show(&state, editor, &NOUN, None, sheet.refused(errors)).await,
    }
}

/// Answers `GET /products/{id}/edit` with the form for the product.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<ProductId>) -> Answer {
    let sheet = Sheet::showing(FIELDS, found(&state, id).await?.values());
    form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await
}

/// Handles `POST /products/{id}`: changes the product.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<ProductId>,
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
    let change = change.map(|product| product.values());
    form_page::settle(&state, editor, &NOUN, path(id), sheet, (edit, change)).await
}

/// Answers `GET /products/{id}/delete` by asking for confirmation.
pub async fn ask(state: web::Data<State>, editor: Editor, Id(id): Id<ProductId>) -> Answer {
    let sheet = Sheet::showing(FIELDS, found(&state, id).await?.values());
    form_page::ask(&state, editor, &NOUN, path(id), sheet, "").await
}

/// Handles `POST /products/{id}/delete`: deletes the product.
pub async fn delete(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<ProductId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FIELDS, &fields);
    let change = service::delete(&state, id, sheet.edit(Vec::new())).await?;
    let change = change.map(|product| product.values());
    form_page::delete(&state, editor, &NOUN, path(id), sheet, change, "").await
}

dressed!(IndexPage, ShowPage);
