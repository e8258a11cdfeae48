//! The form with which staff rename a food.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::forms::FoodForm;
use super::model::FoodId;
use super::service::{self, Renamed};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::back::Back;
use crate::site::form::{Form, Id};
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::Editor;
use crate::state::State;

type Answer = Result<HttpResponse, AppError>;

#[derive(Template)]
#[template(path = "cookbook/food.html")]
struct FoodPage {
    layout: Layout,
    back: Back,
    id: FoodId,
    form: FoodForm,
    error: Option<String>,
}

impl FoodPage {
    fn of(editor: Editor, id: FoodId, form: FoodForm, error: Option<String>) -> Self {
        let Editor(visitor, back) = editor;
        Self { layout: Layout::new(&visitor, "cookbook", "Rename food"), back, id, form, error }
    }
}

/// Handles `GET /cookbook/foods/{id}/edit`: the form.
pub async fn edit(state: web::Data<State>, editor: Editor, Id(id): Id<FoodId>) -> Answer {
    let name = service::food(&state, id).await?.ok_or(AppError::NotFound)?;
    let form = FoodForm { was: name.clone(), name };
    html(&state, StatusCode::OK, &FoodPage::of(editor, id, form, None)).await
}

/// Handles `POST /cookbook/foods/{id}`: renames the food.
pub async fn update(
    state: web::Data<State>,
    editor: Editor,
    Id(id): Id<FoodId>,
    Form(form): Form<FoodForm>,
) -> Answer {
    let name = match form.parse() {
        Ok(name) => name,
        Err(error) => {
            let page = FoodPage::of(editor, id, form, Some(error.to_string()));
            return html(&state, StatusCode::UNPROCESSABLE_ENTITY, &page).await;
        }
    };
    let (status, form, sentence) = match service::rename(&state, id, form.was, name.clone()).await?
    {
        Renamed::Done => {
            let (item, saved) = (format!("/cookbook/foods/{id}"), format!("Saved “{name}”."));
            return Ok(editor.1.saved("/cookbook", &item, &saved));
        }
        Renamed::Taken => {
            let form = FoodForm { was: service::food(&state, id).await?.unwrap_or_default(), name };
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                form,
                "There is another food of this name.".to_owned(),
            )
        }
        Renamed::Conflict(None) => return Err(AppError::NotFound),
        Renamed::Conflict(Some(now)) => {
            let told =
                format!("Someone else has renamed it to “{now}”. Save again to use your name.");
            (StatusCode::CONFLICT, FoodForm { was: now, name }, told)
        }
    };
    html(&state, status, &FoodPage::of(editor, id, form, Some(sentence))).await
}

dressed!(FoodPage);
