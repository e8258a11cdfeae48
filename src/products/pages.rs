//! The catalogue's HTML pages.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::ProductForm;
use super::model::{LIST, Product, ProductId};
use super::service::{self, Change};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::flash;
use crate::site::form::{Form, FormErrors, Id, Query};
use crate::site::list::{ListQuery, ListView, Parameters};
use crate::site::pagination::PageLink;
use crate::site::render::{Layout, dressed, html};
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

/// The form for a new product.
#[derive(Template)]
#[template(path = "products/new.html")]
struct NewPage {
    layout: Layout,
    form: ProductForm,
    errors: FormErrors,
}

impl NewPage {
    fn of(visitor: &Visitor, form: ProductForm, errors: FormErrors) -> Self {
        Self { layout: Layout::new(visitor, SECTION, "New product"), form, errors }
    }
}

/// Answers `GET /products/new` with an empty form.
pub async fn new(state: web::Data<State>, Editor(visitor): Editor) -> Answer {
    let page = NewPage::of(&visitor, ProductForm::default(), FormErrors::default());
    html(&state, StatusCode::OK, &page).await
}

/// Handles `POST /products`: adds a product.
pub async fn create(
    state: web::Data<State>,
    visitor: Visitor,
    Form(form): Form<ProductForm>,
) -> Answer {
    match form.parse() {
        Ok(product) => {
            let added = format!("Added “{}”.", product.title.as_str());
            service::create(&state, product).await?;
            Ok(flash::redirect("/", &added))
        }
        Err(errors) => {
            let page = NewPage::of(&visitor, form, errors);
            html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await
        }
    }
}

/// The form for an existing product.
#[derive(Template)]
#[template(path = "products/edit.html")]
struct EditPage {
    layout: Layout,
    id: ProductId,
    form: ProductForm,
    errors: FormErrors,
}

impl EditPage {
    fn of(visitor: &Visitor, id: ProductId, form: ProductForm, errors: FormErrors) -> Self {
        Self { layout: Layout::new(visitor, SECTION, "Edit product"), id, form, errors }
    }
}

/// Answers `GET /products/{id}/edit` with the form for the product.
pub async fn edit(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<ProductId>,
) -> Answer {
    let form = ProductForm::showing(&found(&state, id).await?);
    html(&state, StatusCode::OK, &EditPage::of(&visitor, id, form, FormErrors::default())).await
}

/// Handles `POST /products/{id}`: changes the product.
pub async fn update(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<ProductId>,
    Form(form): Form<ProductForm>,
) -> Answer {
    let changes = match form.parse() {
        Ok(changes) => changes,
        Err(errors) => {
            let page = EditPage::of(&visitor, id, form, errors);
            return html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let saved = format!("Saved “{}”.", changes.title.as_str());
    match service::update(&state, id, form.seen(), changes).await? {
        Change::Done => Ok(flash::redirect("/", &saved)),
        Change::Conflict(None) if !form.has_seen() => Err(AppError::NotFound),
        Change::Conflict(current) => conflict(&state, &visitor, id, &form, true, current).await,
    }
}

/// The page that asks for confirmation before a product is deleted.
#[derive(Template)]
#[template(path = "products/delete.html")]
struct DeletePage {
    layout: Layout,
    product: Product,
}

/// Answers `GET /products/{id}/delete` by asking for confirmation.
pub async fn ask(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<ProductId>,
) -> Answer {
    let product = found(&state, id).await?;
    let layout = Layout::new(&visitor, SECTION, "Delete product");
    html(&state, StatusCode::OK, &DeletePage { layout, product }).await
}

/// Handles `POST /products/{id}/delete`: deletes the product.
pub async fn delete(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<ProductId>,
    Form(form): Form<ProductForm>,
) -> Answer {
    match service::delete(&state, id, form.seen()).await? {
        Change::Done => Ok(flash::redirect("/", &format!("Deleted “{}”.", form.was_title))),
        Change::Conflict(None) if !form.has_seen() => Err(AppError::NotFound),
        Change::Conflict(current) => conflict(&state, &visitor, id, &form, false, current).await,
    }
}

/// The page shown for an edit conflict: both versions of the product, and how to go on.
#[derive(Template)]
#[template(path = "products/conflict.html")]
struct ConflictPage {
    layout: Layout,
    id: ProductId,
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
    visitor: &Visitor,
    id: ProductId,
    form: &ProductForm,
    is_edit: bool,
    current: Option<Product>,
) -> Answer {
    let version =
        |title: &String, price: &String| Version { title: title.clone(), price: price.clone() };
    let page = ConflictPage {
        layout: Layout::new(visitor, SECTION, "Changed meanwhile"),
        id,
        yours: is_edit.then(|| version(&form.title, &form.price)),
        shown: version(&form.was_title, &form.was_price),
        current,
    };
    html(state, StatusCode::CONFLICT, &page).await
}

dressed!(IndexPage, ShowPage, NewPage, EditPage, DeletePage, ConflictPage);
