//! The HTML pages of the cookbook.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::RecipeForm;
use super::model::{LIST, Recipe, RecipeId, RecipeText};
use super::service::{self, Change};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::flash;
use crate::site::form::{Form, FormErrors, Id, Query};
use crate::site::list::{ListQuery, ListView, Parameters, Row};
use crate::site::pagination::PageLink;
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

const SECTION: &str = "cookbook";

type Answer = Result<HttpResponse, AppError>;

/// The list of recipes, each on a card.
#[derive(Template)]
#[template(path = "cookbook/index.html")]
struct IndexPage {
    layout: Layout,
    view: ListView,
    recipes: Arc<Vec<Recipe>>,
}

impl IndexPage {
    /// Returns the recipes of the rows, in their order.
    fn listed(&self) -> impl Iterator<Item = &Recipe> {
        let of = |row: &Row| self.recipes.iter().find(|recipe| recipe.id.get() == row.id);
        self.view.found.rows.iter().filter_map(of)
    }
}

/// Handles `GET /cookbook`: a page of the recipes.
pub async fn index(
    state: web::Data<State>,
    visitor: Visitor,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let query = ListQuery::parse(&LIST, &parameters)?;
    let size = state.settings.page_size;
    let found = service::find(&state, query.clone(), size).await?;
    let view = ListView::new(&LIST, query, found, size)?;
    let recipes = service::list(&state).await?;
    let layout = Layout::new(&visitor, SECTION, "Cookbook");
    html(&state, StatusCode::OK, &IndexPage { layout, view, recipes }).await
}

/// The page of one recipe.
#[derive(Template)]
#[template(path = "cookbook/show.html")]
struct ShowPage {
    layout: Layout,
    recipe: Recipe,
}

/// Handles `GET /cookbook/{id}`: one recipe.
pub async fn show(state: web::Data<State>, visitor: Visitor, Id(id): Id<RecipeId>) -> Answer {
    let recipe = found(&state, id).await?;
    let layout = Layout::new(&visitor, SECTION, &recipe.text.name);
    html(&state, StatusCode::OK, &ShowPage { layout, recipe }).await
}

/// Returns the recipe, or 404.
async fn found(state: &State, id: RecipeId) -> Result<Recipe, AppError> {
    service::show(state, id).await?.ok_or(AppError::NotFound)
}

/// The form of a new or existing recipe.
#[derive(Template)]
#[template(path = "cookbook/form.html")]
struct FormPage {
    layout: Layout,
    /// `None` for a new recipe.
    id: Option<RecipeId>,
    form: RecipeForm,
    errors: FormErrors,
    /// The names of foods that are suggested while typing.
    foods: Vec<String>,
}

impl FormPage {
    /// Returns the name of a field in a row.
    fn name_of(&self, field: &str, row: usize) -> String {
        format!("{field}_{row}")
    }

    fn action(&self) -> String {
        self.id.map_or_else(|| "/cookbook".to_owned(), |id| format!("/cookbook/{id}"))
    }
}

async fn form(
    state: &State,
    visitor: &Visitor,
    id: Option<RecipeId>,
    form: RecipeForm,
    errors: FormErrors,
) -> Answer {
    let title = if id.is_some() { "Edit recipe" } else { "New recipe" };
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let recipes = service::list(state).await?;
    let foods = recipes.iter().flat_map(|recipe| &recipe.text.ingredients);
    let mut foods: Vec<String> = foods.map(|one| one.food.clone()).collect();
    foods.sort_unstable();
    foods.dedup();
    let layout = Layout::new(visitor, SECTION, title);
    html(state, status, &FormPage { layout, id, form, errors, foods }).await
}

/// Handles `GET /cookbook/new`: an empty form.
pub async fn new(state: web::Data<State>, Editor(visitor): Editor) -> Answer {
    let empty = RecipeForm { wants_more: true, ..RecipeForm::default() }.with_spare_rows();
    form(&state, &visitor, None, empty, FormErrors::default()).await
}

/// All fields of a form by name, since a recipe form has any number of rows.
type Fields = Form<BTreeMap<String, String>>;

/// Handles `POST /cookbook`: adds a recipe.
pub async fn create(state: web::Data<State>, visitor: Visitor, Form(fields): Fields) -> Answer {
    let typed = RecipeForm::read(fields);
    match typed.parse() {
        _ if typed.wants_more => form(&state, &visitor, None, typed, FormErrors::default()).await,
        Err(errors) => form(&state, &visitor, None, typed, errors).await,
        Ok(text) => {
            let added = format!("Added “{}”.", text.name);
            let id = service::create(&state, text).await?;
            Ok(flash::redirect(&format!("/cookbook/{id}"), &added))
        }
    }
}

/// Handles `GET /cookbook/{id}/edit`: the form of an existing recipe.
pub async fn edit(
    state: web::Data<State>,
    Editor(visitor): Editor,
    Id(id): Id<RecipeId>,
) -> Answer {
    let showing = RecipeForm::showing(&found(&state, id).await?);
    form(&state, &visitor, Some(id), showing, FormErrors::default()).await
}

/// Handles `POST /cookbook/{id}`: changes a recipe.
pub async fn update(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<RecipeId>,
    Form(fields): Fields,
) -> Answer {
    let typed = RecipeForm::read(fields);
    let text = match typed.parse() {
        _ if typed.wants_more => {
            return form(&state, &visitor, Some(id), typed, FormErrors::default()).await;
        }
        Err(errors) => return form(&state, &visitor, Some(id), typed, errors).await,
        Ok(text) => text,
    };
    let saved = format!("Saved “{}”.", text.name);
    match service::update(&state, id, typed.was, text.clone()).await? {
        Change::Done => Ok(flash::redirect(&format!("/cookbook/{id}"), &saved)),
        Change::Conflict(current) => conflict(&state, &visitor, id, Some(text), current).await,
    }
}

/// The page that asks for confirmation before a recipe is deleted.
#[derive(Template)]
#[template(path = "cookbook/delete.html")]
struct DeletePage {
    layout: Layout,
    recipe: Recipe,
}

/// Handles `GET /cookbook/{id}/delete`: asks for confirmation.
pub async fn ask(state: web::Data<State>, Editor(visitor): Editor, Id(id): Id<RecipeId>) -> Answer {
    let recipe = found(&state, id).await?;
    let layout = Layout::new(&visitor, SECTION, "Delete recipe");
    html(&state, StatusCode::OK, &DeletePage { layout, recipe }).await
}

/// Handles `POST /cookbook/{id}/delete`: deletes a recipe.
pub async fn delete(
    state: web::Data<State>,
    visitor: Visitor,
    Id(id): Id<RecipeId>,
    Form(mut fields): Fields,
) -> Answer {
    let was = fields.remove("was").unwrap_or_default();
    match service::delete(&state, id, was).await? {
        Change::Done => Ok(flash::redirect("/cookbook", "The recipe is deleted.")),
        Change::Conflict(current) => conflict(&state, &visitor, id, None, current).await,
    }
}

/// The page of an edit conflict: the user's version of a recipe beside the current one.
#[derive(Template)]
#[template(path = "cookbook/conflict.html")]
struct ConflictPage {
    layout: Layout,
    id: RecipeId,
    /// The version that the user typed; `None` if the user wanted to delete the recipe.
    yours: Option<RecipeText>,
    /// The current version; `None` if the recipe was deleted.
    current: Option<Recipe>,
}

async fn conflict(
    state: &State,
    visitor: &Visitor,
    id: RecipeId,
    yours: Option<RecipeText>,
    current: Option<Recipe>,
) -> Answer {
    if current.is_none() && yours.is_none() {
        return Err(AppError::NotFound);
    }
    let layout = Layout::new(visitor, SECTION, "Changed meanwhile");
    html(state, StatusCode::CONFLICT, &ConflictPage { layout, id, yours, current }).await
}

dressed!(IndexPage, ShowPage, FormPage, DeletePage, ConflictPage);
