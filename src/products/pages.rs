//! The catalogue's HTML pages.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::{IndexQuery, ProductForm};
use super::model::{Listing, Product, ProductId, ProductList};
use super::service::{self, Change};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::back::Back;
use crate::site::form::{Form, FormErrors, FormOnce, Id, Query};
use crate::site::pagination::{PageLink, Pagination};
use crate::site::render::{Layout, dressed, grouped, html};
use crate::site::text::fold;
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

const SECTION: &str = "products";

type Answer = Result<HttpResponse, AppError>;

/// The homepage: the products, newest first.
#[derive(Template)]
#[template(path = "products/index.html")]
struct IndexPage {
    layout: Layout,
    list: Arc<ProductList>,
    search: String,
    pagination: Pagination,
}

impl IndexPage {
    /// Returns `1,000 products · page 2 of 40`.
    fn summary(&self) -> String {
        let total = self.list.total;
        let noun = if total == 1 { "product" } else { "products" };
        let found = match (self.search.is_empty(), total) {
            (true, _) => format!("{} {noun}", grouped(total)),
            (false, 1) => format!("1 product matches “{}”", self.search),
            (false, _) => format!("{} products match “{}”", grouped(total), self.search),
        };
        let (page, last) = (grouped(self.pagination.page), grouped(self.pagination.last));
        format!("{found} · page {page} of {last}")
    }
}

/// Answers `GET /` with a page of the catalogue.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(query): Query<IndexQuery>,
) -> Answer {
    let page = query.page().ok_or(AppError::NotFound)?;
    let search = query.search()?;
    let size = state.settings.page_size;
    let list = service::list(&state, &Listing { page, size, search: fold(&search) }).await?;
    let carried = (!search.is_empty()).then(|| ("q", search.clone()));
    let pagination = Pagination::new(page, list.total, size, "/", carried.into_iter().collect());
    if !pagination.has_page() {
        return Err(AppError::NotFound);
    }
    let layout = Layout::new(&visitor, SECTION, "Products");
    html(&state, StatusCode::OK, &IndexPage { layout, list, search, pagination }).await
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

/// The form for a new product.
#[derive(Template)]
#[template(path = "products/new.html")]
struct NewPage {
    layout: Layout,
    back: Back,
    form: ProductForm,
    errors: FormErrors,
}

impl NewPage {
    fn of(Editor(visitor, back): Editor, form: ProductForm, errors: FormErrors) -> Self {
        Self { layout: Layout::new(&visitor, SECTION, "New product"), back, form, errors }
    }
}

/// Answers `GET /products/new` with an empty form.
pub async fn new(state: web::Data<State>, editor: Editor) -> Answer {
    let page = NewPage::of(editor, ProductForm::default(), FormErrors::default());
    html(&state, StatusCode::OK, &page).await
}

/// Handles `POST /products`: adds a product.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(form, once): FormOnce<ProductForm>,
) -> Answer {
    match form.parse() {
        Ok(product) => {
            let added = format!("Added “{}”.", product.title.as_str());
            service::create(&state, product, once).await?;
            Ok(editor.1.added("/", "/products/new", &added))
        }
        Err(errors) => {
            let page = NewPage::of(editor, form, errors);
            html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await
        }
    }
}

/// The form for an existing product.
#[derive(Template)]
#[template(path = "products/edit.html")]
struct EditPage {
    layout: Layout,
    back: Back,
    path: String,
    form: ProductForm,
    errors: FormErrors,
}

impl EditPage {
    fn of(editor: Editor, id: ProductId, form: ProductForm, errors: FormErrors) -> Self {
        let Editor(visitor, back) = editor;
        let layout = Layout::new(&visitor, SECTION, "Edit product");
        Self { layout, back, path: path(id), form, errors }
    }
}

/// Returns the address of a product.
fn path(id: ProductId) -> String {
    format!("/products/{id}")
}

/// Answers `GET /products/{id}/edit` with the form for the product.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<ProductId>) -> Answer {
    let form = ProductForm::showing(&found(&state, id).await?);
    html(&state, StatusCode::OK, &EditPage::of(editor, id, form, FormErrors::default())).await
}

/// Handles `POST /products/{id}`: changes the product.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<ProductId>,
    Form(form): Form<ProductForm>,
) -> Answer {
    let changes = match form.parse() {
        Ok(changes) => changes,
        Err(errors) => {
            let page = EditPage::of(editor, id, form, errors);
            return html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let saved = format!("Saved “{}”.", changes.title.as_str());
    match service::update(&state, id, form.seen(), changes).await? {
        Change::Done => Ok(editor.1.saved("/", &path(id), &saved)),
        Change::Conflict(None) if !form.has_seen() => Err(AppError::NotFound),
        Change::Conflict(current) => conflict(&state, editor, id, &form, true, current).await,
    }
}

/// The page that asks for confirmation before a product is deleted.
#[derive(Template)]
#[template(path = "products/delete.html")]
struct DeletePage {
    layout: Layout,
    back: Back,
    path: String,
    product: Product,
}

/// Answers `GET /products/{id}/delete` by asking for confirmation.
pub async fn ask(
    state: web::Data<State>,
    Editor(visitor, back): Editor,
    Id(id): Id<ProductId>,
) -> Answer {
    let product = found(&state, id).await?;
    let layout = Layout::new(&visitor, SECTION, "Delete product");
    html(&state, StatusCode::OK, &DeletePage { layout, back, path: path(id), product }).await
}

/// Handles `POST /products/{id}/delete`: deletes the product.
pub async fn delete(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<ProductId>,
    Form(form): Form<ProductForm>,
) -> Answer {
    match service::delete(&state, id, form.seen()).await? {
        Change::Conflict(None) if !form.has_seen() => Err(AppError::NotFound),
        // Gone is gone, also for a form that was sent twice.
        Change::Done | Change::Conflict(None) => {
            let deleted = format!("Deleted “{}”.", form.was_title);
            Ok(editor.1.deleted("/", &path(id), &deleted))
        }
        Change::Conflict(current) => conflict(&state, editor, id, &form, false, current).await,
    }
}

/// The page shown for an edit conflict: both versions of the product, and how to go on.
#[derive(Template)]
#[template(path = "products/conflict.html")]
struct ConflictPage {
    layout: Layout,
    back: Back,
    path: String,
    yours: Option<Version>,
    shown: Version,
    current: Option<Product>,
}

/// A version of a product's fields: as shown by the form, or as typed.
struct Version {
    title: String,
    price: String,
}

async fn conflict(
    state: &State,
    Editor(visitor, back): Editor,
    id: ProductId,
    form: &ProductForm,
    is_edit: bool,
    current: Option<Product>,
) -> Answer {
    let version =
        |title: &String, price: &String| Version { title: title.clone(), price: price.clone() };
    let page = ConflictPage {
        layout: Layout::new(&visitor, SECTION, "Changed meanwhile"),
        back,
        path: path(id),
        yours: is_edit.then(|| version(&form.title, &form.price)),
        shown: version(&form.was_title, &form.was_price),
        current,
    };
    html(state, StatusCode::CONFLICT, &page).await
}

dressed!(IndexPage, ShowPage, NewPage, EditPage, DeletePage, ConflictPage);
