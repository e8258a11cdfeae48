//! The HTML pages of the cookbook.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::{IngredientForm, RecipeForm};
use super::model::{self, Recipe, RecipeId};
use super::service;
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::form::{Form, FormOnce, Id, Query};
use crate::site::form_page::{self, Noun};
use crate::site::list::{ListQuery, ListView, Parameters, Row};
use crate::site::pagination::PageLink;
use crate::site::render::{Layout, dressed, html};
use crate::site::sheet::{Change, Fields};
use crate::site::text::quoted;
use crate::site::visitor::{Editor, Visitor};
use crate::state::State;

const SECTION: &str = "cookbook";

/// The address of the list.
const LIST: &str = "/cookbook";

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
    let query = ListQuery::parse(&model::LIST, &parameters)?;
    let size = state.settings.page_size;
    let found = service::find(&state, query.clone(), size).await?;
    let view = ListView::new(&model::LIST, query, found, size)?;
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

/// Recipes, as the pages of their forms call them.
const NOUN: Noun =
    Noun { section: SECTION, name: "recipe", list: LIST, all: Some(LIST), can_delete: true };

/// Returns the address of a recipe.
fn path(id: RecipeId) -> String {
    format!("{LIST}/{id}")
}

/// The form of a new or existing recipe, which has rows of ingredients.
#[derive(Template)]
#[template(path = "cookbook/form.html")]
struct RecipePage {
    layout: Layout,
    form: form_page::Form,
    rows: Vec<IngredientForm>,
    /// The names of foods that are suggested while typing.
    foods: Vec<String>,
}

impl RecipePage {
    /// Returns the name of a field in a row.
    fn name_of(&self, field: &str, row: usize) -> String {
        format!("{field}_{row}")
    }
}

async fn show_form(
    state: &State,
    editor: Editor,
    id: Option<RecipeId>,
    form: RecipeForm,
) -> Answer {
    let recipes = service::list(state).await?;
    let foods = recipes.iter().flat_map(|recipe| &recipe.text.ingredients);
    let mut foods: Vec<String> = foods.map(|one| one.food.clone()).collect();
    foods.sort_unstable();
    foods.dedup();
    let rows = form.rows;
    let (layout, form) = form_page::Form::new(editor, &NOUN, id.map(path), form.sheet)?;
    html(state, form.status(), &RecipePage { layout, form, rows, foods }).await
}

/// Handles `GET /cookbook/new`: an empty form.
pub async fn new(state: web::Data<State>, editor: Editor) -> Answer {
    show_form(&state, editor, None, RecipeForm::empty()).await
}

/// Handles `POST /cookbook`: adds a recipe.
pub async fn create(
    state: web::Data<State>,
    editor: Editor,
    FormOnce(fields, once): FormOnce<Fields>,
) -> Answer {
    let mut typed = RecipeForm::sent(fields);
    match typed.parse() {
        _ if typed.wants_more => show_form(&state, editor, None, typed).await,
        Err(errors) => {
            typed.sheet.errors = errors;
            show_form(&state, editor, None, typed).await
        }
        Ok(text) => {
            let added = format!("Added {}.", quoted(&text.name));
            let id = service::create(&state, text, once).await?;
            Ok(editor.1.added(&path(id), "/cookbook/new", &added))
        }
    }
}

/// Handles `GET /cookbook/{id}/edit`: the form of an existing recipe.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<RecipeId>) -> Answer {
    let form = RecipeForm::showing(&found(&state, id).await?);
    show_form(&state, editor, Some(id), form).await
}

/// Handles `POST /cookbook/{id}`: changes a recipe.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RecipeId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let mut typed = RecipeForm::sent(fields);
    let text = match typed.parse() {
        _ if typed.wants_more => return show_form(&state, editor, Some(id), typed).await,
        Err(errors) => {
            typed.sheet.errors = errors;
            return show_form(&state, editor, Some(id), typed).await;
        }
        Ok(text) => text,
    };
    let saved = format!("Saved {}.", quoted(&text.name));
    let values = text.values();
    typed.sheet.fill("ingredients", values[3].clone());
    let edit = typed.sheet.edit(values);
    let change = service::update(&state, id, edit.clone(), text).await?;
    let current =
        if let Change::Conflict(current) = &change { Some(current.clone()) } else { None };
    let change = change.map(|recipe| recipe.text.values());
    let Some(sheet) = form_page::settled(typed.sheet.clone(), &NOUN, edit, change)? else {
        return Ok(editor.1.saved(&path(id), &path(id), &saved));
    };
    let keeps = sheet.keeps("ingredients");
    let form = RecipeForm { sheet, ..typed };
    let form = match current.filter(|_| keeps) {
        Some(current) => form.with_ingredients_of(&current),
        None => form,
    };
    show_form(&state, editor, Some(id), form).await
}

/// What a deletion leaves.
const TOLD: &str = "Its foods are kept for other recipes.";

/// Handles `GET /cookbook/{id}/delete`: asks for confirmation.
pub async fn ask(state: web::Data<State>, editor: Editor, Id(id): Id<RecipeId>) -> Answer {
    let form = RecipeForm::showing(&found(&state, id).await?);
    form_page::ask(&state, editor, &NOUN, path(id), form.sheet, TOLD).await
}

/// Handles `POST /cookbook/{id}/delete`: deletes a recipe.
pub async fn delete(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<RecipeId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = RecipeForm::sent(fields).sheet;
    let change = service::delete(&state, id, sheet.edit(Vec::new())).await?;
    let change = change.map(|recipe| recipe.text.values());
    form_page::delete(&state, editor, &NOUN, path(id), sheet, change, TOLD).await
}

dressed!(IndexPage, ShowPage, RecipePage);
