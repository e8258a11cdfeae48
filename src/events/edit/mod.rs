//! The staff's forms for tastings and guests.
//!
//! A form has the same fields as a request to the API and is validated by the same rules: [`super::forms`].

pub mod events;
pub mod guests;

use actix_web::HttpResponse;
use serde_json::{Map, Value};

use crate::error::AppError;
use crate::site::form::FormErrors;
use crate::site::sheet::{Change, Fields};

const SECTION: &str = "events";

/// The page that follows a form whose client came from none.
const INDEX: &str = "/events";

type Answer = Result<HttpResponse, AppError>;

/// Converts typed fields to the JSON members of an API request.
fn said(typed: &Fields) -> Map<String, Value> {
    let value = |(name, text): (&String, &String)| {
        let number = (name == "event").then(|| text.trim().parse::<i64>().ok()).flatten();
        (name.clone(), number.map_or_else(|| Value::from(text.as_str()), Value::from))
    };
    typed.iter().map(value).collect()
}

/// Returns what is wrong with the fields of a form; any other error is one of the whole request.
fn invalid(error: AppError) -> Result<FormErrors, AppError> {
    match error {
        AppError::Invalid(errors) => Ok(errors),
        other => Err(other),
    }
}

/// Returns the outcome of a deletion by the API's rules; `current` is the item where it was changed.
fn deleted<T>(done: Result<(), AppError>, current: Option<T>) -> Result<Change<T>, AppError> {
    match (done, current) {
        (Ok(()), _) => Ok(Change::Done),
        (Err(AppError::Overtaken), Some(current)) => Ok(Change::Conflict(current)),
        (Err(AppError::Overtaken | AppError::NotFound), _) => Ok(Change::Gone),
        (Err(error), _) => Err(error),
    }
}
