//! What a recipe is, and its rules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::site::digest;
use crate::site::markdown::{self, Rendered};
use crate::site::row_id::RowId;
use crate::site::text::fold;

/// Characters of the longest name of a recipe or a food.
pub const LONGEST_NAME: usize = 200;

/// Characters of the longest description or instructions.
pub const LONGEST_TEXT: usize = 20_000;

/// Characters of the longest unit, and of what is to be done with an ingredient.
pub const LONGEST_NOTE: usize = 100;

/// Ingredients of one recipe.
pub const MOST_INGREDIENTS: usize = 60;

/// A recipe as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Its number.
    pub id: RecipeId,
    /// What it says.
    pub text: RecipeText,
}

/// The number of a recipe.
pub type RecipeId = RowId<Recipe>;

/// What recipes are made of; known by its name.
#[derive(Debug)]
pub struct Food;

/// The number of a food.
pub type FoodId = RowId<Food>;

/// What a recipe says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeText {
    /// What it is called.
    pub name: String,
    /// What it is, in Markdown; perhaps empty.
    pub description: String,
    /// What is to be done, in Markdown.
    pub instructions: String,
    /// What is needed, in the order of the recipe.
    pub ingredients: Vec<Ingredient>,
}

/// How much of a food is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingredient {
    /// How much; none where it is up to the cook.
    pub amount: Option<Amount>,
    /// Of what measure; perhaps empty.
    pub unit: String,
    /// Of what.
    pub food: String,
    /// What is to be done with it before; perhaps empty.
    pub description: String,
}

impl RecipeText {
    /// The description for people.
    pub fn description_html(&self) -> Rendered {
        markdown::render(&self.description)
    }

    /// The instructions for people.
    pub fn instructions_html(&self) -> Rendered {
        markdown::render(&self.instructions)
    }

    /// Whether it would be kept as `other` is: foods are known by their names without case.
    pub fn is_as(&self, other: &Self) -> bool {
        let folded = |text: &Self| {
            let mut text = text.clone();
            text.ingredients.iter_mut().for_each(|one| one.food = fold(&one.food));
            text
        };
        folded(self) == folded(other)
    }

    /// A name for all that it says: two texts of one name are one text.
    pub fn digest(&self) -> String {
        let amounts =
            self.ingredients.iter().map(|one| one.amount.map(|amount| amount.to_string()));
        let amounts: Vec<String> = amounts.map(Option::unwrap_or_default).collect();
        // Browsers send the ends of lines in their own way.
        let texts = [&self.name, &self.description, &self.instructions];
        let texts = texts.map(|text| text.replace("\r\n", "\n"));
        let parts =
            self.ingredients.iter().zip(&amounts).flat_map(|(one, amount)| {
                [amount.as_str(), &one.unit, &one.food, &one.description]
            });
        digest::of(texts.iter().map(String::as_str).chain(parts))
    }
}

/// An amount in whole thousandths, 0 to 999,999.999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Amount(i64);

impl Amount {
    const HIGHEST: i64 = 999_999_999;

    /// So many thousandths, as the database has them.
    pub const fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// In thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Amount {
    /// As it is written: `2`, `1.5`, `0.125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something else.
    #[error("Write the amount in digits, such as 2, 1.5 or 0.125.")]
    NotANumber,
    /// Less than a thousandth.
    #[error("An amount has at most three decimals, such as 0.125.")]
    TooPrecise,
    /// More than anybody cooks.
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
    fn a_digest_tells_texts_apart_but_not_line_ends() {
        let text = |name: &str, description: &str| RecipeText {
            name: name.into(),
            description: description.into(),
            instructions: "a\nb".into(),
            ingredients: Vec::new(),
        };
        assert_ne!(text("a", "bc").digest(), text("ab", "c").digest());
        let mut other = text("a", "bc");
        other.instructions = "a\r\nb".into();
        assert_eq!(other.digest(), text("a", "bc").digest());
    }
}
