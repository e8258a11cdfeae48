//! What staff type about members.

use serde::Deserialize;

use super::model::{LONGEST_NAME, Member};
use crate::site::form::FormErrors;
use crate::site::text::{self, Fault};

/// A member, as typed, and as the form had shown them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct MemberForm {
    /// Who.
    pub name: String,
    /// What they like best; perhaps nothing.
    pub favourite: String,
    /// The name that the form had shown.
    pub was_name: String,
    /// The favourite that it had shown.
    pub was_favourite: String,
}

impl MemberForm {
    /// A form that shows `member` as they are.
    pub fn showing(member: &Member) -> Self {
        let (name, favourite) = (member.name.clone(), member.favourite.clone());
        Self { was_name: name.clone(), was_favourite: favourite.clone(), name, favourite }
    }

    /// What the form had shown.
    pub fn seen(&self) -> Member {
        Member { name: self.was_name.clone(), favourite: self.was_favourite.clone() }
    }

    /// What was typed, if it can be a member.
    ///
    /// # Errors
    /// A sentence for each field that cannot be taken.
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
