//! Recipes as JSON, for `larder load cookbook` and for the sample recipes of an empty shop.
//!
//! ```json
//! {"recipes": [{
//!   "name": "Porridge",
//!   "description": "For cold mornings.",
//!   "instructions": "1. Stir.\n2. Wait.",
//!   "ingredients": [{"amount": "0.5", "unit": "cups", "food": "Rolled oats", "description": ""}]
//! }]}
//! ```
//!
//! - `amount`, `unit` and `description` are optional. Foods are identified by their names, ignoring case.
//! - Either all recipes are loaded or none. An error gives the position of the recipe.

use serde::Deserialize;

use super::forms::{IngredientForm, RecipeForm};
use super::model::RecipeText;

/// The two sample recipes of an empty shop.
pub const SAMPLE: &str = include_str!("sample.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    recipes: Vec<FixtureRecipe>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixtureRecipe {
    name: String,
    #[serde(default)]
    description: String,
    instructions: String,
    #[serde(default)]
    ingredients: Vec<FixtureIngredient>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixtureIngredient {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    unit: String,
    food: String,
    #[serde(default)]
    description: String,
}

/// Parses and validates the recipes in `json`.
///
/// # Errors
/// One sentence that says which recipe is invalid, and why.
pub fn parse(json: &str) -> Result<Vec<RecipeText>, String> {
    let fixture: Fixture = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let recipes = fixture.recipes.into_iter().enumerate().map(|(place, recipe)| {
        let name = recipe.name.clone();
        let form = RecipeForm::from(recipe);
        form.parse().map_err(|errors| {
            let reasons: Vec<&str> = errors.sentences().collect();
            format!("recipe {} ({name:?}): {}", place + 1, reasons.join(" "))
        })
    });
    recipes.collect()
}

impl From<FixtureRecipe> for RecipeForm {
    fn from(recipe: FixtureRecipe) -> Self {
        let rows = recipe.ingredients.into_iter().map(|one| IngredientForm {
            amount: one.amount,
            unit: one.unit,
            food: one.food,
            description: one.description,
        });
        let mut form = Self { rows: rows.collect(), ..Self::empty() };
        form.sheet.fill("name", recipe.name);
        form.sheet.fill("description", recipe.description);
        form.sheet.fill("instructions", recipe.instructions);
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_two_recipes() {
        let recipes = parse(SAMPLE).unwrap();
        assert_eq!(recipes.len(), 2);
        assert!(recipes.iter().all(|recipe| recipe.ingredients.len() > 3));
    }

    #[test]
    fn errors_name_the_recipe_and_the_reason() {
        let cases = [
            ("{}", "missing field `recipes`"),
            (r#"{"recipes":[{"name":"Tea"}]}"#, "missing field `instructions`"),
            (r#"{"recipes":[{"name":"Tea","instructions":"x","cups":1}]}"#, "unknown field `cups`"),
            (r#"{"recipes":[{"name":"","instructions":"x"}]}"#, "recipe 1 (\"\"): Enter a name."),
            (
                r#"{"recipes":[{"name":"Tea","instructions":"x"},{"name":"Toast","instructions":"x",
                "ingredients":[{"food":"Bread","amount":"two"}]}]}"#,
                "recipe 2 (\"Toast\"): Enter the amount",
            ),
        ];
        for (json, reason) in cases {
            let error = parse(json).unwrap_err();
            assert!(error.contains(reason), "{json}: {error}");
        }
    }
}
