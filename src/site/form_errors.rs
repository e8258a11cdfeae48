//! What is wrong with the fields of a form.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;

/// Error messages by field.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub struct FormErrors(BTreeMap<Cow<'static, str>, String>);

impl FormErrors {
    /// Returns the value, or records the error of the field and returns `None`.
    pub fn keep<T, E: Display>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|error| self.0.insert(field.into(), error.to_string())).ok()
    }

    /// Records the error of a field.
    pub fn note(&mut self, field: &'static str, sentence: impl Into<String>) {
        self.0.insert(field.into(), sentence.into());
    }

    /// Returns the error of a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// Returns each field with its error, sorted by the names of the fields.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (&**field, &**sentence))
    }

    /// Returns all errors.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// Whether all fields are valid.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
