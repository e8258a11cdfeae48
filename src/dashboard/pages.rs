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
    let tags = state.db.tags_named(form.tag());
    let tags = tags.ok_or(AppError::Unprocessable("The cache knows no tag of this name."))?;
    state.db.invalidate(tags).await?;
    let done = match form.tag() {
        "everything" => {
            "The cache is empty: each page is made anew when it is next asked for.".into()
        }
        row if row.contains('#') => {
            format!(
                "What was made from single rows in “{row}” is made anew when it is next asked for."
            )
        }
        table => format!("What was made from “{table}” is made anew when it is next asked for."),
    };
    Ok(flash::redirect(redirect::local_path(&form.back), &done))
}
