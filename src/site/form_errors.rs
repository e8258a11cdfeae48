//! What is wrong with the fields of a form.

use std::borrow::Cow;
use std::fmt::Display;

use serde::{Serialize, Serializer};

/// Error messages by field, in the order of the form.
#[derive(Debug, Clone, Default)]
pub struct FormErrors(Vec<(Cow<'static, str>, String)>);

impl Serialize for FormErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.all())
    }
}

impl FormErrors {
    /// Returns the value, or records the error of the field and returns `None`.
    pub fn keep<T, E: Display>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|error| self.0.push((field.into(), error.to_string()))).ok()
    }

    /// Records the error of a field.
    pub fn note(&mut self, field: &'static str, sentence: impl Into<String>) {
        self.0.push((field.into(), sentence.into()));
    }

    /// Returns the error of a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.all().find(|(known, _)| *known == field).map(|(_, sentence)| sentence)
    }

    /// Whether a field has the focus when the form is shown: the first invalid one, or else the first one.
    pub fn focuses(&self, field: &str, is_first: bool) -> bool {
        self.0.first().map_or(is_first, |(invalid, _)| invalid == field)
    }

    /// Returns each field with its error.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, sentence)| (&**field, &**sentence))
    }

    /// Returns all errors.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, sentence)| &**sentence)
    }

    /// Whether all fields are valid.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
