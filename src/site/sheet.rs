//! The forms of the staff: fields, what is wrong with them, and what another person changed meanwhile.
//!
//! - A form sends with each field what it had shown: `was_title` beside `title`, or the digest of a long text.
//! - An edit of a field that both have changed comes back in its form, with both values ([`super::edit`]).
//! - A form on which an item was deleted meanwhile comes back as the form that adds it.

use std::collections::BTreeMap;

pub use super::edit::{Change, Edit};
use super::edit::{Side, digest_of};
use super::form_errors::FormErrors;
use super::money::Price;
use super::text::quoted;

/// The fields of a form that was sent, by name.
pub type Fields = BTreeMap<String, String>;

/// A field of a form: its name, its label, a hint at its format, and how it is typed.
pub type Shape = (&'static str, &'static str, &'static str, Kind);

/// How a field is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line.
    Line,
    /// An amount of money.
    Decimal,
    /// So many lines, or more.
    Lines(u8),
    /// A day, such as `2026-12-24`.
    Date,
    /// A time of the day, such as `18:00`.
    Time,
    /// One of the values that [`Sheet::offering`] offers.
    Choice,
    /// In fields that the form draws itself.
    Rows,
}

/// A form with its values.
#[derive(Debug, Clone)]
pub struct Sheet {
    shapes: &'static [Shape],
    values: Vec<String>,
    /// What the form had shown; empty for a new item.
    was: Vec<String>,
    /// The current values of fields that both have changed.
    theirs: Vec<Option<String>>,
    /// The values to choose from, each with its label.
    options: Vec<(String, String)>,
    /// What is wrong with the values.
    pub errors: FormErrors,
    /// Whether another person has changed the item meanwhile.
    pub is_changed: bool,
    /// Whether another person has deleted the item meanwhile.
    pub is_gone: bool,
}

/// A field as a page shows it.
pub struct Shown<'s> {
    /// Its name, which is its id, too.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// A hint at its format; may be empty.
    pub hint: &'static str,
    /// How it is typed.
    pub kind: Kind,
    /// Its value.
    pub value: &'s str,
    /// What is wrong with it.
    pub error: Option<&'s str>,
    /// Its value in the database, if both have changed it.
    pub theirs: Option<&'s str>,
    /// The values to choose from, each with its label.
    pub options: &'s [(String, String)],
    /// Whether the page begins here.
    pub has_focus: bool,
}

impl Shown<'_> {
    /// Whether it is a number with decimals.
    pub fn is_decimal(&self) -> bool {
        self.kind == Kind::Decimal
    }

    /// Whether its value is chosen from its options.
    pub fn is_choice(&self) -> bool {
        self.kind == Kind::Choice
    }

    /// Returns the type of its `input`.
    pub fn input_type(&self) -> &'static str {
        match self.kind {
            Kind::Date => "date",
            Kind::Time => "time",
            _ => "text",
        }
    }

    /// Returns the value as pages show it.
    pub fn printed(&self) -> String {
        let price = self.value.parse::<Price>().ok().filter(|_| self.is_decimal());
        price.map_or_else(|| self.label(self.value).to_owned(), |price| price.to_string())
    }

    /// Returns a value of the field as the client chose it: by its label, if it has one.
    pub fn label<'v>(&'v self, value: &'v str) -> &'v str {
        let mut options = self.options.iter().filter(|_| self.is_choice());
        options.find(|(known, _)| known == value).map_or(value, |(_, label)| label)
    }

    /// Returns the visible lines of a long text; 0 for one line.
    pub fn rows(&self) -> u8 {
        if let Kind::Lines(rows) = self.kind { rows } else { 0 }
    }

    /// Returns the ids of the sentences that describe the field.
    pub fn described_by(&self) -> String {
        let all = [
            ("hint", !self.hint.is_empty()),
            ("error", self.error.is_some()),
            ("theirs", self.theirs.is_some()),
        ];
        let there = all.iter().filter(|(_, is_there)| *is_there);
        let ids: Vec<_> = there.map(|(part, _)| format!("{}-{part}", self.name)).collect();
        ids.join(" ")
    }
}

impl Sheet {
    /// Returns an empty form.
    pub fn empty(shapes: &'static [Shape]) -> Self {
        let values = vec![String::new(); shapes.len()];
        Self {
            shapes,
            values,
            was: Vec::new(),
            theirs: vec![None; shapes.len()],
            options: Vec::new(),
            errors: FormErrors::default(),
            is_changed: false,
            is_gone: false,
        }
    }

    /// Offers values to choose from, each with its label.
    #[must_use]
    pub fn offering(self, options: Vec<(String, String)>) -> Self {
        Self { options, ..self }
    }

    /// Returns a form that shows the values of an item.
    pub fn showing(shapes: &'static [Shape], values: Vec<String>) -> Self {
        Self { was: values.clone(), values, ..Self::empty(shapes) }
    }

    /// Returns the form that was sent.
    pub fn sent(shapes: &'static [Shape], fields: &Fields) -> Self {
        let of = |name: &str| fields.get(name).cloned();
        let values = shapes.iter().map(|shape| of(shape.0).unwrap_or_default()).collect();
        let was: Vec<_> = shapes.iter().map(|shape| of(&format!("was_{}", shape.0))).collect();
        let has_seen = was.iter().any(Option::is_some);
        let was = was.into_iter().map(Option::unwrap_or_default);
        let was = if has_seen { was.collect() } else { Vec::new() };
        Self { values, was, ..Self::empty(shapes) }
    }

    /// Reports whether the client sent what the form had shown.
    pub fn has_seen(&self) -> bool {
        !self.was.is_empty()
    }

    /// Returns the value of a field; empty for a field that the form does not have.
    pub fn value(&self, name: &str) -> &str {
        self.place(name).map_or("", |place| &self.values[place])
    }

    /// Replaces the value of a field.
    pub fn fill(&mut self, name: &str, value: String) {
        if let Some(place) = self.place(name) {
            self.values[place] = value;
        }
    }

    /// Returns what the item is called.
    pub fn name(&self) -> &str {
        [self.value("title"), self.value("name")]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or("")
    }

    /// Returns the short fields beside the name.
    pub fn facts(&self) -> Vec<Shown<'_>> {
        let mut fields = self.fields();
        fields.retain(|field| {
            field.rows() == 0 && !field.value.is_empty() && !["title", "name"].contains(&field.name)
        });
        fields
    }

    /// Returns what the form had shown of a field.
    pub fn was(&self, name: &str) -> &str {
        self.place(name).and_then(|place| self.was.get(place)).map_or("", String::as_str)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.shapes.iter().position(|shape| shape.0 == name)
    }

    /// Returns the edit that the form asks for; `parsed` are its values in their normal form.
    pub fn edit(&self, parsed: Vec<String>) -> Edit {
        Edit::new(self.was.clone(), self.values.clone(), parsed)
    }

    /// Marks fields as invalid.
    #[must_use]
    pub fn refused(self, errors: FormErrors) -> Self {
        Self { errors, ..self }
    }

    /// Shows what `edit` and another person's change, which led to `current`, come to.
    ///
    /// The form has now seen the current values, so sending it once more overwrites them where both have changed.
    #[must_use]
    pub fn overtaken(mut self, edit: &Edit, current: Vec<String>) -> Self {
        for (place, current) in current.iter().enumerate() {
            match edit.side(place, current) {
                Side::Mine => {}
                Side::Theirs => self.values[place].clone_from(current),
                Side::Both => self.theirs[place] = Some(current.clone()),
            }
        }
        Self { was: current, is_changed: true, ..self }
    }

    /// Shows the values of an item that another person has changed.
    #[must_use]
    pub fn replaced(self, current: Vec<String>) -> Self {
        let options = self.options;
        Self { is_changed: true, options, ..Self::showing(self.shapes, current) }
    }

    /// Returns the name that the form had shown, in quotation marks; without one, the noun.
    pub fn called(&self, noun: &str) -> String {
        let seen = [self.was("title"), self.was("name")].into_iter().find(|name| !name.is_empty());
        seen.map_or_else(|| format!("the {noun}"), quoted)
    }

    /// Shows that the item was deleted: the form adds it.
    #[must_use]
    pub fn gone(self) -> Self {
        Self { was: Vec::new(), is_gone: true, ..self }
    }

    /// Reports whether the current value of a field is shown instead of what was typed, after [`Self::overtaken`].
    pub fn keeps(&self, name: &str) -> bool {
        let place = self.place(name).filter(|_| self.is_changed);
        place.is_some_and(|place| self.was.get(place) == Some(&self.values[place]))
    }

    /// Returns the value in the database of a field that both have changed.
    pub fn theirs(&self, name: &str) -> Option<&str> {
        self.theirs[self.place(name)?].as_deref()
    }

    /// Returns the labels of the fields that both have changed.
    pub fn collisions(&self) -> String {
        let both = self.shapes.iter().zip(&self.theirs).filter(|(_, theirs)| theirs.is_some());
        both.map(|(shape, _)| shape.1).collect::<Vec<_>>().join(", ")
    }

    /// Whether a field has the focus when the form is shown: one that is wrong, or else the first.
    pub fn focuses(&self, name: &str) -> bool {
        let both = self.theirs.iter().position(Option::is_some);
        let first = self.shapes[both.unwrap_or(0)].0;
        self.errors.focuses(name, name == first)
    }

    /// Returns the fields that the page draws.
    pub fn fields(&self) -> Vec<Shown<'_>> {
        let drawn = self.shapes.iter().filter(|shape| shape.3 != Kind::Rows);
        let shown = drawn.map(|&(name, label, hint, kind)| Shown {
            name,
            label,
            hint,
            kind,
            value: self.value(name),
            error: self.errors.get(name),
            theirs: self.theirs(name),
            options: &self.options,
            has_focus: self.focuses(name),
        });
        shown.collect()
    }

    /// Returns the hidden fields: what the form shows, by name.
    pub fn seen(&self) -> Vec<(String, String)> {
        let seen = self.shapes.iter().zip(&self.was).map(|(&(name, _, _, kind), was)| {
            let is_long = matches!(kind, Kind::Lines(_) | Kind::Rows) && was.len() != DIGEST;
            (format!("was_{name}"), if is_long { digest_of(was) } else { was.clone() })
        });
        seen.collect()
    }
}

/// The length of a digest. A text of this length is sent as it is: a digest comes back from the client as one.
const DIGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: &[Shape] =
        &[("a", "A", "", Kind::Line), ("b", "B", "", Kind::Line), ("c", "C", "", Kind::Lines(3))];

    fn values(values: [&str; 3]) -> Vec<String> {
        values.map(str::to_owned).into()
    }

    /// Sends the form that has shown `was` with `typed`.
    fn sent(was: [&str; 3], typed: [&str; 3]) -> Sheet {
        let seen = Sheet::showing(SHAPES, values(was)).seen();
        let typed = ["a", "b", "c"].into_iter().zip(typed);
        let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Sheet::sent(SHAPES, &seen.into_iter().chain(typed).collect())
    }

    #[test]
    fn only_fields_that_both_have_changed_collide() {
        let was = ["1", "2", "3\n4"];
        let cases = [
            (["1", "2", "3\r\n4"], ["x", "y", "z"], Some([true, true, true])),
            (["m", "2", "3\n4"], ["1", "y", "z"], Some([false, true, true])),
            (["m", "n", "o"], was, Some([false, false, false])),
            (["m", "2", "3\n4"], ["m", "y", "3\n4"], Some([false, true, false])),
            (["m", "2", "3\n4"], ["x", "2", "3\n4"], None),
            (["1", "2", "o"], ["1", "2", "z"], None),
        ];
        for (typed, current, expected) in cases {
            let sheet = sent(was, typed);
            let merged = sheet.edit(values(typed)).merge(&values(current));
            assert_eq!(merged, expected.map(Vec::from), "{typed:?} {current:?}");
        }
    }

    #[test]
    fn a_form_that_comes_back_shows_both_and_has_seen_the_current_values() {
        let (typed, current) = (["m", "2", "o"], ["x", "y", "z"]);
        let sheet = sent(["1", "2", "3"], typed);
        let edit = sheet.edit(values(typed));
        let sheet = sheet.overtaken(&edit, values(current));
        assert_eq!(sheet.values, values(["m", "y", "o"]));
        assert_eq!((sheet.theirs("a"), sheet.theirs("b")), (Some("x"), None));
        assert_eq!((sheet.collisions().as_str(), sheet.keeps("b")), ("A, C", true));
        let again = sent(current, ["m", "y", "o"]).edit(values(["m", "y", "o"]));
        assert_eq!(again.merge(&values(current)), Some(vec![false, false, false][..].to_vec()));
    }

    #[test]
    fn a_form_that_has_seen_nothing_overwrites_nothing() {
        let fields = [("a".to_owned(), "m".to_owned())].into();
        let sheet = Sheet::sent(SHAPES, &fields);
        assert!(!sheet.has_seen());
        assert_eq!(sheet.edit(values(["m", "", ""])).merge(&values(["1", "", ""])), None);
    }
}
