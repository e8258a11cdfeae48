//! Answers about the cache.

use actix_web::{HttpResponse, web};

use super::forms::InvalidateForm;
use crate::error::AppError;
use crate::site::form::Form;
use crate::site::{flash, redirect};
use crate::state::State;

/// `POST /cache/invalidate`
pub async fn invalidate(
    state: web::Data<State>,
    Form(form): Form<InvalidateForm>,
) -> Result<HttpResponse, AppError> {
    let tag = state.db.tag_named(form.tag());
    let tag = tag.ok_or(AppError::Unprocessable("The cache knows no tag of this name."))?;
    state.db.invalidate(tag).await?;
    let done = match form.tag() {
        "everything" => {
            "The cache is empty: each page is made anew when it is next asked for.".into()
        }
        tag => format!("What was made from “{tag}” is made anew when it is next asked for."),
    };
    Ok(flash::redirect(redirect::local_path(&form.back), &done))
}
