//! The form with which staff edit members.

use serde::Deserialize;

use super::model::{LONGEST_NAME, Member};
use crate::site::form::FormErrors;
use crate::site::text::{self, Fault};

/// The form of a member: the typed values, and the values that the form showed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MemberForm {
    /// The name, as typed.
    pub name: String,
    /// The favourite, as typed; may be empty.
    pub favourite: String,
    /// The name that the form showed.
    pub was_name: String,
    /// The favourite that the form showed.
    pub was_favourite: String,
}

impl MemberForm {
    /// Returns a form that shows `member`.
    pub fn showing(member: &Member) -> Self {
        let (name, favourite) = (member.name.clone(), member.favourite.clone());
        Self { was_name: name.clone(), was_favourite: favourite.clone(), name, favourite }
    }

    /// Returns the member that the form showed.
    pub fn seen(&self) -> Member {
        Member { name: self.was_name.clone(), favourite: self.was_favourite.clone() }
    }

    /// Returns the typed member if it is valid.
    ///
    /// # Errors
    /// A sentence for each invalid field.
    pub fn parse(&self) -> Result<Member, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.keep("name", text::line("a name", &self.name, LONGEST_NAME));
        let favourite = match text::line("a favourite", &self.favourite, LONGEST_NAME) {
            Err(error) if error.fault() == Fault::Empty => Ok(String::new()),
            favourite => favourite,
        };
        match (name, errors.keep("favourite", favourite)) {
            (Some(name), Some(favourite)) => Ok(Member { name, favourite }),
            _ => Err(errors),
        }
    }
}
