//! The types of the cookbook: recipes, ingredients and amounts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::site::list::{Cell, Column, Kind, List, Row};
use crate::site::markdown::{self, Rendered};
use crate::site::row_id::RowId;
use crate::site::words::fold;

/// The maximum length of the name of a recipe or a food, in characters.
pub const LONGEST_NAME: usize = 200;

/// The maximum length of a description or of instructions, in characters.
pub const LONGEST_TEXT: usize = 20_000;

/// The maximum length of an ingredient's unit or note, in characters.
pub const LONGEST_NOTE: usize = 100;

/// The maximum number of ingredients of a recipe.
pub const MOST_INGREDIENTS: usize = 60;

/// A stored recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The ID.
    pub id: RecipeId,
    /// The content.
    pub text: RecipeText,
}

/// The ID of a recipe.
pub type RecipeId = RowId<Recipe>;

/// The list of recipes.
pub const LIST: List = List {
    path: "/cookbook",
    title: "Recipes",
    nouns: ["recipe", "recipes"],
    columns: &[
        Column::new("name", "Name", Kind::Name),
        Column::new("foods", "Ingredients", Kind::Text),
    ],
    order: "name",
    has_since: false,
    new: Some("/cookbook/new"),
    many: None,
};

/// The list of foods, for staff.
pub const FOODS: List = List {
    path: "/staff/foods",
    title: "Foods",
    nouns: ["food", "foods"],
    columns: &[Column::new("number", "ID", Kind::Number), Column::new("name", "Name", Kind::Name)],
    order: "name",
    has_since: false,
    new: None,
    many: None,
};

impl Recipe {
    /// Returns the row of the list. A recipe is found by its ingredients, too.
    pub fn row(&self) -> Row {
        let at = format!("/cookbook/{}", self.id);
        let foods: Vec<&str> = self.text.ingredients.iter().map(|one| &*one.food).collect();
        Row {
            id: self.id.get(),
            cells: vec![Cell::Text(self.text.name.clone()), Cell::Text(foods.join(", "))],
            edit: Some(format!("{at}/edit")),
            delete: Some(format!("{at}/delete")),
            show: Some(at),
        }
    }
}

/// Returns the row of a food.
pub fn food_row(id: FoodId, name: &str) -> Row {
    Row {
        id: id.get(),
        cells: vec![Cell::Number(id.get()), Cell::Text(name.to_owned())],
        show: None,
        edit: Some(format!("/cookbook/foods/{id}/edit")),
        delete: None,
    }
}

/// Marks the IDs of foods. A food has nothing but a name.
#[derive(Debug)]
pub struct Food;

/// The ID of a food.
pub type FoodId = RowId<Food>;

/// The content of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeText {
    /// The name.
    pub name: String,
    /// The description, in Markdown; may be empty.
    pub description: String,
    /// The instructions, in Markdown.
    pub instructions: String,
    /// The ingredients, in the order of the recipe.
    pub ingredients: Vec<Ingredient>,
}

/// An ingredient: an amount of a food.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingredient {
    /// The amount; `None` leaves it to the cook.
    pub amount: Option<Amount>,
    /// The unit of the amount; may be empty.
    pub unit: String,
    /// The name of the food.
    pub food: String,
    /// How the food is prepared; may be empty.
    pub description: String,
}

impl RecipeText {
    /// Returns the description as HTML.
    pub fn description_html(&self) -> Rendered {
        markdown::render(&self.description)
    }

    /// Returns the instructions as HTML.
    pub fn instructions_html(&self) -> Rendered {
        markdown::render(&self.instructions)
    }

    /// Reports whether it would be stored like `other`: names of foods are compared ignoring case.
    pub fn is_as(&self, other: &Self) -> bool {
        self.values() == other.values()
    }

    /// Returns the values of its form; the ingredients are one of them, a line each.
    pub fn values(&self) -> Vec<String> {
        let lines: Vec<String> = self.ingredients.iter().map(Ingredient::line).collect();
        let texts = [&self.name, &self.description, &self.instructions, &lines.join("\n")];
        texts.map(String::clone).into()
    }

    /// Returns these fields, but those of `current` that are to be kept.
    pub fn merged(&self, current: &Self, keeps: &[bool]) -> Self {
        let side = |place: usize| if keeps[place] { current } else { self };
        Self {
            name: side(0).name.clone(),
            description: side(1).description.clone(),
            instructions: side(2).instructions.clone(),
            ingredients: side(3).ingredients.clone(),
        }
    }
}

impl Ingredient {
    /// Returns it as one line. Tabs part its fields, none of which holds one; case is ignored in names of foods.
    fn line(&self) -> String {
        let amount = self.amount.map(|amount| amount.to_string()).unwrap_or_default();
        [&*amount, &self.unit, &fold(&self.food), &self.description].join("\t")
    }
}

/// An amount with three decimals, 0 to 999,999.999; stored in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount(i64);

impl Amount {
    const HIGHEST: i64 = 999_999_999;

    /// Returns the amount for a number of thousandths, which is how the database stores it.
    pub const fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// Returns the amount in thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Amount {
    /// Writes the amount without trailing zeros: `2`, `1.5`, `0.125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It is not a decimal number.
    #[error("Enter the amount in digits, such as 2, 1.5 or 0.125.")]
    NotANumber,
    /// It has more than three decimals.
    #[error("An amount has at most three decimals, such as 0.125.")]
    TooPrecise,
    /// It is above the maximum.
    #[error("The amount can be at most 999,999.999.")]
    TooHigh,
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        let is_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        if !is_digits(whole) || !is_digits(decimals) {
            return Err(AmountError::NotANumber);
        }
        if decimals.len() > 3 {
            return Err(AmountError::TooPrecise);
        }
        let amount: i64 =
            format!("{whole}{decimals:0<3}").parse().map_err(|_| AmountError::TooHigh)?;
        if amount > Self::HIGHEST { Err(AmountError::TooHigh) } else { Ok(Self(amount)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_decimals_at_most() {
        let cases = [
            ("2", Ok("2")),
            ("1.50", Ok("1.5")),
            (" 0.125 ", Ok("0.125")),
            ("0", Ok("0")),
            ("999999.999", Ok("999999.999")),
            ("1000000", Err(AmountError::TooHigh)),
            ("0.1255", Err(AmountError::TooPrecise)),
            ("", Err(AmountError::NotANumber)),
            ("-1", Err(AmountError::NotANumber)),
            ("1/2", Err(AmountError::NotANumber)),
            ("1e3", Err(AmountError::NotANumber)),
            ("½", Err(AmountError::NotANumber)),
        ];
        for (text, expected) in cases {
            let amount = text.parse::<Amount>().map(|amount| amount.to_string());
            assert_eq!(amount, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn recipes_differ_by_each_field_of_an_ingredient() {
        let text = |unit: &str, food: &str| RecipeText {
            name: "Soup".into(),
            description: String::new(),
            instructions: "Cook.".into(),
            ingredients: vec![Ingredient {
                amount: None,
                unit: unit.into(),
                food: food.into(),
                description: String::new(),
            }],
        };
        assert!(!text("big", "leek top").is_as(&text("big leek", "top")));
        assert!(text("kg", "Leeks").is_as(&text("kg", "leeks")));
    }
}
