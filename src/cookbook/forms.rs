//! The forms with which staff edit recipes and foods.
//!
//! - The ingredients are rows of fields. Each field's name ends in the number of its row: `food_0`, `food_1`, …
//! - Empty rows are ignored. A form always shows a few of them, and a button adds more.

use super::model::{
    Ingredient, LONGEST_NAME, LONGEST_NOTE, LONGEST_TEXT, MOST_INGREDIENTS, Recipe, RecipeText,
};
use crate::site::form::FormErrors;
use crate::site::sheet::{Fields, Kind, Shape, Sheet};
use crate::site::text::{self, Fault, TextError};

/// The highest row number that is read. It bounds what one request can allocate.
const MOST_ROWS: usize = 1_000;

/// Empty rows that are shown below the filled ones.
const SPARE: usize = 3;

const MARKDOWN: &str = "In Markdown: *emphasis*, **strong**, lists and links.";

/// The fields of a recipe's form.
pub const RECIPE: &[Shape] = &[
    ("name", "Name", "", Kind::Line),
    ("description", "Description", MARKDOWN, Kind::Lines(3)),
    ("instructions", "Instructions", MARKDOWN, Kind::Lines(10)),
    ("ingredients", "Ingredients", "", Kind::Rows),
];

/// The field of a food's form.
pub const FOOD: &[Shape] =
    &[("name", "Name", "Every recipe that uses it shows the new name.", Kind::Line)];

/// Returns the typed name of a food if it is valid.
///
/// # Errors
/// A sentence that says why it is not.
pub fn parse_food(sheet: &Sheet) -> Result<String, FormErrors> {
    let mut errors = FormErrors::default();
    let name = text::line("a name", sheet.value("name"), LONGEST_NAME);
    errors.keep("name", name).ok_or(errors)
}

/// The form of a recipe, as typed.
#[derive(Debug, Clone)]
pub struct RecipeForm {
    /// Its name and its texts.
    pub sheet: Sheet,
    /// The ingredients, some of them empty.
    pub rows: Vec<IngredientForm>,
    /// Whether the client asked for more rows instead of saving.
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

fn rows_of(recipe: &Recipe) -> Vec<IngredientForm> {
    let rows = recipe.text.ingredients.iter().map(|one| IngredientForm {
        amount: one.amount.map(|amount| amount.to_string()).unwrap_or_default(),
        unit: one.unit.clone(),
        food: one.food.clone(),
        description: one.description.clone(),
    });
    rows.collect()
}

impl RecipeForm {
    /// Returns an empty form.
    pub fn empty() -> Self {
        Self { sheet: Sheet::empty(RECIPE), rows: Vec::new(), wants_more: true }.with_spare_rows()
    }

    /// Reads the form from the fields of a request.
    pub fn sent(mut fields: Fields) -> Self {
        // All rows that were sent, also more than a recipe may have: the client gets back everything that was typed.
        let sent = fields.keys().filter_map(|name| name.strip_prefix("food_")?.parse().ok());
        let count = sent.max().map_or(0, |last: usize| last.min(MOST_ROWS) + 1);
        let sheet = Sheet::sent(RECIPE, &fields);
        let mut take = |name: &str| fields.remove(name).unwrap_or_default();
        let rows = (0..count).map(|row| IngredientForm {
            amount: take(&format!("amount_{row}")),
            unit: take(&format!("unit_{row}")),
            food: take(&format!("food_{row}")),
            description: take(&format!("description_{row}")),
        });
        let rows = rows.collect();
        Self { sheet, rows, wants_more: !take("more").is_empty() }.with_spare_rows()
    }

    /// Returns a form that shows `recipe`.
    pub fn showing(recipe: &Recipe) -> Self {
        let sheet = Sheet::showing(RECIPE, recipe.text.values());
        Self { sheet, rows: rows_of(recipe), wants_more: false }.with_spare_rows()
    }

    /// Shows the ingredients of `recipe` instead.
    #[must_use]
    pub fn with_ingredients_of(self, recipe: &Recipe) -> Self {
        Self { rows: rows_of(recipe), ..self }.with_spare_rows()
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
        let name =
            errors.keep("name", text::line("a name", self.sheet.value("name"), LONGEST_NAME));
        let description =
            text::lines("a description", self.sheet.value("description"), LONGEST_TEXT);
        let description = errors.keep("description", or_empty(description));
        let instructions =
            text::lines("instructions", self.sheet.value("instructions"), LONGEST_TEXT);
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
