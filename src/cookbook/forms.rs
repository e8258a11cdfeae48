//! The forms with which staff edit recipes and foods.
//!
//! - The ingredients are rows of fields. Each field's name ends in the number of its row: `food_0`, `food_1`, …
//! - Empty rows are ignored. A form always shows a few of them, and a button adds more.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::model::{
    Ingredient, LONGEST_NAME, LONGEST_NOTE, LONGEST_TEXT, MOST_INGREDIENTS, Recipe, RecipeText,
};
use crate::site::form::FormErrors;
use crate::site::text::{self, Fault, TextError};

/// The highest row number that is read. It bounds what one request can allocate.
const MOST_ROWS: usize = 1_000;

/// Empty rows that are shown below the filled ones.
const SPARE: usize = 3;

/// The form that renames a food.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FoodForm {
    /// The new name, as typed.
    pub name: String,
    /// The name that the form showed.
    pub was: String,
}

impl FoodForm {
    /// Returns the typed name if it is valid.
    ///
    /// # Errors
    /// A sentence for the user that says why it is not.
    pub fn parse(&self) -> Result<String, TextError> {
        text::line("a name", &self.name, LONGEST_NAME)
    }
}

/// The form of a recipe, as typed.
#[derive(Debug, Clone, Default)]
pub struct RecipeForm {
    /// The name.
    pub name: String,
    /// The description, in Markdown.
    pub description: String,
    /// The instructions, in Markdown.
    pub instructions: String,
    /// The ingredients, some of them empty.
    pub rows: Vec<IngredientForm>,
    /// The digest of the recipe that the form showed.
    pub was: String,
    /// Whether the user asked for more rows instead of saving.
    pub wants_more: bool,
}

/// One ingredient of the form, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngredientForm {
    /// The amount.
    pub amount: String,
    /// The unit of the amount.
    pub unit: String,
    /// The name of the food.
    pub food: String,
    /// How the food is prepared.
    pub description: String,
}

impl IngredientForm {
    fn is_empty(&self) -> bool {
        let all = [&self.amount, &self.unit, &self.food, &self.description];
        all.iter().all(|text| text.trim().is_empty())
    }

    /// Returns the fields of the row: name, label, typed text.
    pub fn fields(&self) -> [(&'static str, &'static str, &str); 4] {
        [
            ("amount", "Amount", &self.amount),
            ("unit", "Unit", &self.unit),
            ("food", "Food", &self.food),
            ("description", "Note", &self.description),
        ]
    }

    fn parse(&self, row: usize, errors: &mut FormErrors) -> Option<Ingredient> {
        let amount = match self.amount.trim() {
            "" => Some(None),
            typed => errors.keep(format!("amount_{row}"), typed.parse()).map(Some),
        };
        let unit = errors.keep(format!("unit_{row}"), note("a unit", &self.unit));
        let food = text::line("a food", &self.food, LONGEST_NAME);
        let food = errors.keep(format!("food_{row}"), food);
        let description = note("a note", &self.description);
        let description = errors.keep(format!("description_{row}"), description);
        Some(Ingredient { amount: amount?, unit: unit?, food: food?, description: description? })
    }
}

/// Validates a line that may be empty.
fn note(noun: &'static str, typed: &str) -> Result<String, TextError> {
    or_empty(text::line(noun, typed, LONGEST_NOTE))
}

fn or_empty(text: Result<String, TextError>) -> Result<String, TextError> {
    match text {
        Err(error) if error.fault() == Fault::Empty => Ok(String::new()),
        text => text,
    }
}

impl RecipeForm {
    /// Reads the form from the fields of a request.
    pub fn read(mut fields: BTreeMap<String, String>) -> Self {
        // All rows that were sent, also more than a recipe may have: the user gets back everything that was typed.
        let sent = fields.keys().filter_map(|name| name.strip_prefix("food_")?.parse().ok());
        let count = sent.max().map_or(0, |last: usize| last.min(MOST_ROWS) + 1);
        let mut take = |name: &str| fields.remove(name).unwrap_or_default();
        let rows = (0..count).map(|row| IngredientForm {
            amount: take(&format!("amount_{row}")),
            unit: take(&format!("unit_{row}")),
            food: take(&format!("food_{row}")),
            description: take(&format!("description_{row}")),
        });
        let rows = rows.collect();
        Self {
            name: take("name"),
            description: take("description"),
            instructions: take("instructions"),
            rows,
            was: take("was"),
            wants_more: !take("more").is_empty(),
        }
        .with_spare_rows()
    }

    /// Returns the multi-line fields: name, label, typed text, and the number of visible lines.
    pub fn texts(&self) -> [(&'static str, &'static str, &str, u8); 2] {
        [
            ("description", "Description", &self.description, 3),
            ("instructions", "Instructions", &self.instructions, 10),
        ]
    }

    /// Returns a form that shows `recipe`.
    pub fn showing(recipe: &Recipe) -> Self {
        let text = &recipe.text;
        let rows = text.ingredients.iter().map(|one| IngredientForm {
            amount: one.amount.map(|amount| amount.to_string()).unwrap_or_default(),
            unit: one.unit.clone(),
            food: one.food.clone(),
            description: one.description.clone(),
        });
        let (name, description) = (text.name.clone(), text.description.clone());
        let (instructions, was) = (text.instructions.clone(), text.digest());
        let form =
            Self { name, description, instructions, rows: rows.collect(), was, wants_more: false };
        form.with_spare_rows()
    }

    /// Trims the empty rows at the end, then appends a few; more of them if the user asked for more.
    #[must_use]
    pub fn with_spare_rows(mut self) -> Self {
        let filled = self.rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        let spare = if self.wants_more { 3 * SPARE } else { SPARE };
        let rows = (filled + spare).min(MOST_INGREDIENTS.max(filled));
        self.rows.resize(rows, IngredientForm::default());
        self
    }

    /// Returns the typed recipe if it is valid.
    ///
    /// # Errors
    /// A sentence for each invalid field.
    pub fn parse(&self) -> Result<RecipeText, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.keep("name", text::line("a name", &self.name, LONGEST_NAME));
        let description = text::lines("a description", &self.description, LONGEST_TEXT);
        let description = errors.keep("description", or_empty(description));
        let instructions = text::lines("instructions", &self.instructions, LONGEST_TEXT);
        let instructions = errors.keep("instructions", instructions);
        let filled = self.rows.iter().enumerate().filter(|(_, row)| !row.is_empty());
        let ingredients: Vec<_> = filled.map(|(row, one)| one.parse(row, &mut errors)).collect();
        let ingredients: Option<Vec<_>> = ingredients.into_iter().collect();
        let too_many = match ingredients.as_ref().is_some_and(|all| all.len() > MOST_INGREDIENTS) {
            true => Err(format!("A recipe has at most {MOST_INGREDIENTS} ingredients.")),
            false => Ok(()),
        };
        let ingredients = errors.keep("ingredients", too_many).and(ingredients);
        match (name, description, instructions, ingredients) {
            (Some(name), Some(description), Some(instructions), Some(ingredients)) => {
                Ok(RecipeText { name, description, instructions, ingredients })
            }
            _ => Err(errors),
        }
    }
}
