//! The HTML pages of the cookbook.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::RecipeForm;
use super::model::{Recipe, RecipeId, RecipeText};
use super::service::{self, Change};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::back::Back;
use crate::site::form::{Form, FormErrors, FormOnce, Id};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

const SECTION: &str = "cookbook";

/// The address of the list.
const LIST: &str = "/cookbook";

type Answer = Result<HttpResponse, AppError>;

/// The list of all recipes.
#[derive(Template)]
#[template(path = "cookbook/index.html")]
struct IndexPage {
    layout: Layout,
    recipes: Arc<Vec<Recipe>>,
}

/// Handles `GET /cookbook`: all recipes.
pub async fn index(state: web::Data<State>, visitor: Visitor) -> Answer {
    let recipes = service::list(&state).await?;
    let layout = Layout::new(&visitor, SECTION, "Cookbook");
    html(&state, StatusCode::OK, &IndexPage { layout, recipes }).await
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
    back: Back,
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

    /// Returns the recipe's address, or the list's for a new recipe.
    fn path(&self) -> String {
        self.id.map_or_else(|| LIST.to_owned(), path)
    }
}

async fn form(
    state: &State,
    Editor(visitor, back): Editor,
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
    let layout = Layout::new(&visitor, SECTION, title);
    html(state, status, &FormPage { layout, back, id, form, errors, foods }).await
}

/// Handles `GET /cookbook/new`: an empty form.
pub async fn new(state: web::Data<State>, editor: Editor) -> Answer {
    let empty = RecipeForm { wants_more: true, ..RecipeForm::default() }.with_spare_rows();
    form(&state, editor, None, empty, FormErrors::default()).await
}

/// All fields of a form by name, since a recipe form has any number of rows.
type Fields = BTreeMap<String, String>;

/// Handles `POST /cookbook`: adds a recipe.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let typed = RecipeForm::read(fields);
    match typed.parse() {
        _ if typed.wants_more => form(&state, editor, None, typed, FormErrors::default()).await,
        Err(errors) => form(&state, editor, None, typed, errors).await,
        Ok(text) => {
            let added = format!("Added “{}”.", text.name);
            let id = service::create(&state, text, once).await?;
            Ok(editor.1.added(&path(id), "/cookbook/new", &added))
        }
    }
}

/// Handles `GET /cookbook/{id}/edit`: the form of an existing recipe.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<RecipeId>) -> Answer {
    let showing = RecipeForm::showing(&found(&state, id).await?);
    form(&state, editor, Some(id), showing, FormErrors::default()).await
}

/// Handles `POST /cookbook/{id}`: changes a recipe.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RecipeId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let typed = RecipeForm::read(fields);
    let text = match typed.parse() {
        _ if typed.wants_more => {
            return form(&state, editor, Some(id), typed, FormErrors::default()).await;
        }
        Err(errors) => return form(&state, editor, Some(id), typed, errors).await,
        Ok(text) => text,
    };
    let saved = format!("Saved “{}”.", text.name);
    match service::update(&state, id, typed.was, text.clone()).await? {
        Change::Done => Ok(editor.1.saved(&path(id), &path(id), &saved)),
        Change::Conflict(current) => conflict(&state, &editor.0, id, Some(text), current).await,
    }
}

/// The page that asks for confirmation before a recipe is deleted.
#[derive(Template)]
#[template(path = "cookbook/delete.html")]
struct DeletePage {
    layout: Layout,
    back: Back,
    path: String,
    recipe: Recipe,
}

/// Returns the address of a recipe.
fn path(id: RecipeId) -> String {
    format!("{LIST}/{id}")
}

/// Handles `GET /cookbook/{id}/delete`: asks for confirmation.
pub async fn ask(
    state: web::Data<State>,
    Editor(visitor, back): Editor,
    Id(id): Id<RecipeId>,
) -> Answer {
    let recipe = found(&state, id).await?;
    let layout = Layout::new(&visitor, SECTION, "Delete recipe");
    html(&state, StatusCode::OK, &DeletePage { layout, back, path: path(id), recipe }).await
}

/// Handles `POST /cookbook/{id}/delete`: deletes a recipe.
pub async fn delete(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RecipeId>,
    Form(mut fields): Form<Fields>,
) -> Answer {
    let was = fields.remove("was").unwrap_or_default();
    match service::delete(&state, id, was.clone()).await? {
        Change::Conflict(None) if was.is_empty() => Err(AppError::NotFound),
        // Gone is gone, also for a form that was sent twice.
        Change::Done | Change::Conflict(None) => {
            Ok(editor.1.deleted(LIST, &path(id), "The recipe is deleted."))
        }
        Change::Conflict(current) => conflict(&state, &editor.0, id, None, current).await,
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
    let layout = Layout::new(visitor, SECTION, "Changed meanwhile");
    html(state, StatusCode::CONFLICT, &ConflictPage { layout, id, yours, current }).await
}

dressed!(IndexPage, ShowPage, FormPage, DeletePage, ConflictPage);
