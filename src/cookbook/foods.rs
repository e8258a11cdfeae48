//! The form with which staff rename a food.

use actix_web::{HttpResponse, web};

use super::forms::{self, FOOD};
use super::model::FoodId;
use super::service;
use crate::error::AppError;
use crate::site::form::{Form, Id};
use crate::site::form_page::{self, Noun};
use crate::site::sheet::{Fields, Sheet};
use crate::site::visitor::Editor;
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

/// Foods, as the page of their form calls them.
const NOUN: Noun =
    Noun { section: "cookbook", name: "food", list: "/cookbook", all: None, can_delete: false };

/// Returns the address of a food.
fn path(id: FoodId) -> String {
    format!("/cookbook/foods/{id}")
}

/// Handles `GET /cookbook/foods/{id}/edit`: the form.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<FoodId>) -> Answer {
    let name = service::food(&state, id).await?.ok_or(AppError::NotFound)?;
    let sheet = Sheet::showing(FOOD, vec![name]);
    form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await
}

/// Handles `POST /cookbook/foods/{id}`: renames the food.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<FoodId>,
    Form(fields): Form<Fields>,
) -> Answer {
    let sheet = Sheet::sent(FOOD, &fields);
    let name = match forms::parse_food(&sheet) {
        Ok(name) => name,
        Err(errors) => {
            let sheet = sheet.refused(errors);
            return form_page::show(&state, editor, &NOUN, Some(path(id)), sheet).await;
        }
    };
    let edit = sheet.edit(vec![name.clone()]);
    let change = service::rename(&state, id, edit.clone(), name).await?.map(|name| vec![name]);
    form_page::settle(&state, editor, &NOUN, path(id), sheet, (edit, change)).await
}
