//! Validates requests of the API, field by field, so that each error gets its own sentence.
//!
//! - Unknown fields are ignored, so that a client can change what it read and send it back.
//! - A field of the wrong type and a missing field are errors like any other.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::model::{self, EventId, LONGEST, LONGEST_DESCRIPTION, NewEvent, NewGuest, Range};
use super::moment::{Moment, NoMoment};
use crate::error::AppError;
use crate::site::form::FormErrors;
use crate::site::text::{self, Fault};

/// The members of the JSON object that the client sent, by name.
type Fields = Map<String, Value>;

/// Validates an event.
///
/// # Errors
/// Returns [`AppError::Invalid`] with a sentence for each invalid field.
pub fn event(fields: &Fields) -> Result<NewEvent, AppError> {
    event_at(fields, |errors| errors.keep("date", date(fields)))
}

/// Validates an event whose date and time were typed in a form, in the shop's time zone.
///
/// # Errors
/// Returns the same errors as [`event`].
pub fn typed_event(fields: &Fields) -> Result<NewEvent, AppError> {
    let typed = |field| fields.get(field).and_then(Value::as_str).unwrap_or_default();
    event_at(fields, |errors| {
        let date = Moment::parse_typed(typed("date"), typed("time"));
        date.map_err(|(field, sentence)| errors.note(field, sentence)).ok()
    })
}

fn event_at(
    fields: &Fields,
    date: impl FnOnce(&mut FormErrors) -> Option<Moment>,
) -> Result<NewEvent, AppError> {
    let mut errors = FormErrors::default();
    let name = errors.keep("name", line(fields, "name", "a name"));
    let date = date(&mut errors);
    let location = errors.keep("location", line(fields, "location", "a location"));
    let description = errors.keep("description", description(fields));
    match (name, date, location, description) {
        (Some(name), Some(date), Some(location), Some(description)) => {
            Ok(NewEvent { name, date, location, description })
        }
        _ => Err(AppError::Invalid(errors)),
    }
}

/// Validates a guest, but not whether its event exists.
///
/// # Errors
/// Returns the same errors as [`event`].
pub fn guest(fields: &Fields) -> Result<NewGuest, AppError> {
    guest_of(fields, event_id(fields))
}

/// Validates a guest whose event was chosen in a form.
///
/// # Errors
/// Returns the same errors as [`event`].
pub fn typed_guest(fields: &Fields) -> Result<NewGuest, AppError> {
    let chosen = fields.get("event").and_then(Value::as_str).unwrap_or_default();
    guest_of(fields, chosen.parse().map_err(|()| "Choose a tasting.".to_owned()))
}

fn guest_of(fields: &Fields, event: Result<EventId, String>) -> Result<NewGuest, AppError> {
    let mut errors = FormErrors::default();
    let event = errors.keep("event", event);
    let name = errors.keep("name", line(fields, "name", "a name"));
    let email = errors.keep("email", email(fields));
    match (event, name, email) {
        (Some(event), Some(name), Some(email)) => Ok(NewGuest { event, name, email }),
        _ => Err(AppError::Invalid(errors)),
    }
}

fn text<'f>(fields: &'f Fields, field: &str) -> Result<&'f str, String> {
    match fields.get(field) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(format!("{field} must be a string.")),
        None => Err(format!("{field} is required.")),
    }
}

fn line(fields: &Fields, field: &str, noun: &'static str) -> Result<String, String> {
    text::line(noun, text(fields, field)?, LONGEST).map_err(|error| error.to_string())
}

fn description(fields: &Fields) -> Result<String, String> {
    if !fields.contains_key("description") {
        return Ok(String::new());
    }
    let text = text(fields, "description")?;
    match text::lines("a description", text, LONGEST_DESCRIPTION) {
        Err(error) if error.fault() == Fault::Empty => Ok(String::new()),
        description => description.map_err(|error| error.to_string()),
    }
}

fn date(fields: &Fields) -> Result<Moment, String> {
    text(fields, "date")?.parse().map_err(|error: NoMoment| error.to_string())
}

/// Validates an e-mail address, which is taken as typed except for surrounding spaces.
fn email(fields: &Fields) -> Result<String, String> {
    let email = line(fields, "email", "an e-mail address")?;
    match model::is_email(&email) {
        true => Ok(email),
        false => Err("Enter an e-mail address, such as mina@example.org.".to_owned()),
    }
}

fn event_id(fields: &Fields) -> Result<EventId, String> {
    match fields.get("event") {
        None => Err("event is required.".to_owned()),
        Some(id) => match id.as_i64().filter(|id| *id > 0) {
            Some(id) => Ok(EventId::new(id)),
            None => Err("event must be the ID of a tasting, such as 7.".to_owned()),
        },
    }
}

/// The query of a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// The highest number of items to return.
    pub limit: String,
    /// How many items to skip.
    pub offset: String,
    /// The event whose guests to return.
    pub event: String,
}

impl ListQuery {
    /// Returns the requested range. A higher limit than [`Range::MOST`] is capped.
    ///
    /// # Errors
    /// Returns [`AppError::Invalid`] if the limit or the offset is not a number.
    pub fn range(&self) -> Result<Range, AppError> {
        let mut errors = FormErrors::default();
        let limit = match number(&self.limit, Range::USUAL) {
            Some(0) | None => Err("limit must be an integer ≥ 1."),
            Some(limit) => Ok(limit.min(Range::MOST)),
        };
        let offset = number(&self.offset, 0).ok_or("offset must be an integer ≥ 0.");
        match (errors.keep("limit", limit), errors.keep("offset", offset)) {
            (Some(limit), Some(offset)) => Ok(Range { limit, offset }),
            _ => Err(AppError::Invalid(errors)),
        }
    }

    /// Returns the event whose guests are requested, or `None` for the guests of all events.
    ///
    /// # Errors
    /// Returns [`AppError::Invalid`] if it is not the number of an event.
    pub fn event(&self) -> Result<Option<EventId>, AppError> {
        if self.event.is_empty() {
            return Ok(None);
        }
        let id = self.event.parse::<EventId>().map(Some);
        id.map_err(|()| {
            let mut errors = FormErrors::default();
            errors.note("event", "event must be the ID of a tasting, such as 7.");
            AppError::Invalid(errors)
        })
    }
}

/// Parses a number, or returns `usual` for an empty text. Numbers that are too large are capped.
fn number(text: &str, usual: u64) -> Option<u64> {
    match text {
        "" => Some(usual),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(text.parse().unwrap_or(u64::MAX))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults<T>(read: Result<T, AppError>, fields: &[&'static str]) -> Vec<&'static str> {
        let Err(AppError::Invalid(errors)) = read else { return Vec::new() };
        fields.iter().copied().filter(|field| errors.get(field).is_some()).collect()
    }

    #[test]
    fn each_field_that_cannot_be_taken_is_named() {
        let good = json!({"name": "Tea", "date": "2026-12-24", "location": "Here"});
        let cases = [
            (json!({}), vec![]),
            (json!({"id": 1, "unknown": []}), vec![]),
            (
                json!({"name": 7, "date": 7, "location": null, "description": {}}),
                vec!["name", "date", "location", "description"],
            ),
            (json!({"name": "x".repeat(256), "date": "soon"}), vec!["name", "date"]),
            (json!({"name": " ", "location": "a\nb"}), vec!["name", "location"]),
            (json!({"description": "x".repeat(10_001)}), vec!["description"]),
        ];
        for (changes, expected) in cases {
            let mut fields = good.as_object().unwrap().clone();
            fields.extend(changes.as_object().unwrap().clone());
            let found = faults(event(&fields), &["name", "date", "location", "description"]);
            assert_eq!(found, expected, "{changes}");
        }
        assert_eq!(faults(guest(&Map::new()), &["event", "name", "email"]).len(), 3);
    }

    #[test]
    fn an_event_is_named_by_its_number() {
        let id = |event: Value| {
            let fields = json!({"event": event, "name": "Mina", "email": "m@example.org"});
            guest(fields.as_object().unwrap()).ok().map(|guest| guest.event.get())
        };
        assert_eq!(id(json!(7)), Some(7));
        for wrong in [json!("7"), json!(7.5), json!(0), json!(-1), json!(null), json!({"id": 7})] {
            assert_eq!(id(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn a_part_of_a_list_has_bounds() {
        let range = |limit: &str, offset: &str| {
            let (limit, offset) = (limit.to_owned(), offset.to_owned());
            let query = ListQuery { limit, offset, event: String::new() };
            query.range().ok().map(|range| (range.limit, range.offset))
        };
        assert_eq!(range("", ""), Some((100, 0)));
        assert_eq!(range("99999999999999999999999", "7"), Some((1_000, 7)));
        for (limit, offset) in [("0", ""), ("-1", ""), ("ten", ""), ("", "-1"), ("", "+1")] {
            assert_eq!(range(limit, offset), None, "{limit} {offset}");
        }
    }
}
