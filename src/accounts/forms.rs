//! The forms of the sign-in page and of the password page.

use serde::Deserialize;

use super::model::Password;
use crate::site::form::FormErrors;
use crate::site::text::nfc;

/// The fields of the sign-in form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInForm {
    /// The account's name, as typed.
    pub name: String,
    /// The password, as typed; never shown again.
    pub password: String,
    /// The path to go to after signing in.
    pub next: String,
    /// The form that is done after signing in, sealed; usually empty.
    pub carried: String,
    /// Why the form that was sent is not carried; usually empty.
    #[serde(skip)]
    pub notice: &'static str,
}

/// The query of the sign-in page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInQuery {
    /// The path to go to after signing in.
    pub next: String,
}

/// The fields of the form that changes a password.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PasswordForm {
    /// The present password.
    pub old: String,
    /// The new password.
    pub new: String,
    /// The new password once more, against typing errors.
    pub again: String,
}

impl PasswordForm {
    /// Returns the new password if it is valid and both entries are equal.
    ///
    /// # Errors
    /// Returns a sentence for each invalid field.
    pub fn parse(&self) -> Result<Password, FormErrors> {
        let mut errors = FormErrors::default();
        let new = errors.keep("new", self.new.parse());
        let is_same = match nfc(&self.new) == nfc(&self.again) {
            true => Ok(()),
            false => Err("The two passwords differ."),
        };
        match (new, errors.keep("again", is_same)) {
            (Some(new), Some(())) => Ok(new),
            _ => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_typed_twice_in_whatever_form() {
        let parse = |new: &str, again: &str| {
            let form = PasswordForm { new: new.into(), again: again.into(), ..Default::default() };
            form.parse().is_ok()
        };
        assert!(parse("caf\u{e9} au lait", "cafe\u{301} au lait"));
        assert!(!parse("caf\u{e9} au lait", "cafe au lait"));
    }
}
