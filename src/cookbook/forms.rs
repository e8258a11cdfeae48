//! What staff type about recipes.
//!
//! - Ingredients are rows of fields that end in the number of their row: `food_0`, `food_1`, …
//! - A row in which nothing is typed is none. There are always some empty ones, and a button for more.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::model::{
    Ingredient, LONGEST_NAME, LONGEST_NOTE, LONGEST_TEXT, MOST_INGREDIENTS, Recipe, RecipeText,
};
use crate::site::form::FormErrors;
use crate::site::text::{self, Fault, TextError};

/// Rows that are read at all; a form has no room for more that say something.
const MOST_ROWS: usize = 1_000;

/// Empty rows below those that are filled.
const SPARE: usize = 3;

/// Another name for a food.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FoodForm {
    /// As typed.
    pub name: String,
    /// The name that the form had shown.
    pub was: String,
}

impl FoodForm {
    /// What was typed, if it can be a name.
    ///
    /// # Errors
    /// A sentence for whoever typed it.
    pub fn parse(&self) -> Result<String, TextError> {
        text::line("a name", &self.name, LONGEST_NAME)
    }
}

/// A recipe, as typed.
#[derive(Debug, Clone, Default)]
pub struct RecipeForm {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What is to be done.
    pub instructions: String,
    /// What is needed.
    pub rows: Vec<IngredientForm>,
    /// The digest of what the form had shown.
    pub was: String,
    /// Whether more rows are wanted, and nothing else yet.
    pub wants_more: bool,
}

/// A row, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngredientForm {
    /// How much.
    pub amount: String,
    /// Of what measure.
    pub unit: String,
    /// Of what.
    pub food: String,
    /// What is to be done with it before.
    pub description: String,
}

impl IngredientForm {
    fn is_empty(&self) -> bool {
        let all = [&self.amount, &self.unit, &self.food, &self.description];
        all.iter().all(|text| text.trim().is_empty())
    }

    /// Its fields: name, label, what was typed.
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

/// A line that may be empty.
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
    /// What was sent.
    pub fn read(mut fields: BTreeMap<String, String>) -> Self {
        // As many as were sent: nothing of what was typed is lost, also where it is too much.
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

    /// Its longer texts: name, label, what was typed, and how many lines are shown of it.
    pub fn texts(&self) -> [(&'static str, &'static str, &str, u8); 2] {
        [
            ("description", "Description", &self.description, 3),
            ("instructions", "Instructions", &self.instructions, 10),
        ]
    }

    /// A form that shows `recipe` as it is.
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

    /// The rows that are filled, and some empty ones: more of them, where more are wanted.
    #[must_use]
    pub fn with_spare_rows(mut self) -> Self {
        let filled = self.rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
        let spare = if self.wants_more { 3 * SPARE } else { SPARE };
        let rows = (filled + spare).min(MOST_INGREDIENTS.max(filled));
        self.rows.resize(rows, IngredientForm::default());
        self
    }

    /// What was typed, if it can be a recipe.
    ///
    /// # Errors
    /// A sentence for each field that cannot be taken.
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
