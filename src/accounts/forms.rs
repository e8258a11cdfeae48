//! What staff type to be let in.

use serde::Deserialize;

use super::model::Password;
use crate::site::form::FormErrors;

/// Who wants to sign in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInForm {
    /// As typed.
    pub name: String,
    /// As typed; never shown again.
    pub password: String,
    /// Where they wanted to go.
    pub next: String,
}

/// Behind the `?` of the page with that form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInQuery {
    /// Where they wanted to go.
    pub next: String,
}

/// Another password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PasswordForm {
    /// The present one.
    pub old: String,
    /// The one that is to be.
    pub new: String,
    /// The same once more, against slips.
    pub again: String,
}

impl PasswordForm {
    /// The new password, if it can be one.
    ///
    /// # Errors
    /// A sentence for each field that cannot be taken.
    pub fn parse(&self) -> Result<Password, FormErrors> {
        let mut errors = FormErrors::default();
        let new = errors.keep("new", self.new.parse());
        let is_same = if self.new == self.again { Ok(()) } else { Err("This is another one.") };
        match (new, errors.keep("again", is_same)) {
            (Some(new), Some(())) => Ok(new),
            _ => Err(errors),
        }
    }
}
