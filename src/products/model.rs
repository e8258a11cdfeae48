//! What a product is, and its rules.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::site::time::Timestamp;

/// A product in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its number.
    pub id: ProductId,
    /// What it is called. Raw SQL may have put in what [`Title`] refuses.
    pub title: String,
    /// What one costs.
    pub price: Price,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed here.
    pub updated_at: Timestamp,
}

/// A product that is to be added, or what a product is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// What it is called.
    pub title: Title,
    /// What one costs.
    pub price: Price,
}

/// The number of a product, written in one way only: `7`, not `07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProductId(i64);

impl ProductId {
    /// As the database has it.
    pub const fn new(id: i64) -> Self {
        Self(id)
    }

    /// As the database wants it.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ProductId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let id: i64 = text.parse().map_err(|_| ())?;
        // One product, one address: `+7` and `07` are none.
        if id.to_string() == text { Ok(Self(id)) } else { Err(()) }
    }
}

/// A title: trimmed, 1 to 200 characters of any language, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Characters (Unicode scalar values, as both databases count) of the longest.
    pub const LONGEST: usize = 200;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TitleError {
    /// Nothing, or nothing that can be seen.
    #[error("Enter a title.")]
    Empty,
    /// So many characters.
    #[error("The title can have at most 200 characters; this one has {0}.")]
    TooLong(usize),
    /// Tabs, line breaks and other things that are no text.
    #[error("The title cannot hold line breaks, tabs or other control characters.")]
    Control,
}

impl FromStr for Title {
    type Err = TitleError;

    fn from_str(text: &str) -> Result<Self, TitleError> {
        let text = text.trim();
        let length = text.chars().count();
        if text.chars().all(is_invisible) {
            return Err(TitleError::Empty);
        }
        if length > Self::LONGEST {
            return Err(TitleError::TooLong(length));
        }
        if text.chars().any(char::is_control) {
            return Err(TitleError::Control);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Spaces of no width, and marks that only steer what is around them.
fn is_invisible(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FE0F}' | '\u{FEFF}')
}

/// A price in whole cents, 0 to 999,999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Price(i64);

impl Price {
    /// In cents: 9,999,999.99.
    pub const HIGHEST: i64 = 999_999_999;

    /// So many cents, as the database has them.
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// In cents.
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// As it is typed: `4.99`.
    pub fn plain(&self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl fmt::Display for Price {
    /// As it is shown: `$4.99`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.plain())
    }
}

/// Why a text is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Nothing.
    #[error("Enter a price, such as 4.99.")]
    Empty,
    /// Something else.
    #[error("Write the price in digits, such as 4, 4.9, 4.99 or $4.99.")]
    NotANumber,
    /// Less than a cent.
    #[error("A price has at most two decimals, such as 4.99.")]
    TooPrecise,
    /// More than anything costs here.
    #[error("The price can be at most 9,999,999.99.")]
    TooHigh,
}

impl FromStr for Price {
    type Err = PriceError;

    /// Reads `4`, `4.9`, `4.99` and `$4.99`; no signs, exponents, separators or third decimals.
    fn from_str(text: &str) -> Result<Self, PriceError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PriceError::Empty);
        }
        let amount = text.strip_prefix('$').unwrap_or(text);
        let (whole, decimals) = amount.split_once('.').unwrap_or((amount, "0"));
        if !is_digits(whole) || !is_digits(decimals) {
            return Err(PriceError::NotANumber);
        }
        if decimals.len() > 2 {
            return Err(PriceError::TooPrecise);
        }
        let cents = format!("{whole}{decimals:0<2}").parse().map_err(|_| PriceError::TooHigh)?;
        if cents > Self::HIGHEST { Err(PriceError::TooHigh) } else { Ok(Self(cents)) }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A page of the catalogue that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// From 1.
    pub page: u64,
    /// Products on a page.
    pub size: u64,
    /// Part of the title, folded; empty for all.
    pub search: String,
}

impl Listing {
    /// Products before this page; saturating, since nobody has that many.
    pub fn offset(&self) -> u64 {
        (self.page - 1).saturating_mul(self.size)
    }
}

/// A page of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductList {
    /// Those on the page, newest first.
    pub products: Vec<Product>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A text as searches compare it: without regard to case, in any language.
///
/// By single characters, upper and then lower: so `ß` is `ss`, and `Σ`, `σ` and `ς` are one.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_people_write_them() {
        let cases = [
            ("4", Ok(400)),
            ("4.9", Ok(490)),
            ("4.99", Ok(499)),
            ("$4.99", Ok(499)),
            (" 4.99 ", Ok(499)),
            ("0", Ok(0)),
            ("007", Ok(700)),
            ("9999999.99", Ok(999_999_999)),
            ("10000000", Err(PriceError::TooHigh)),
            ("99999999999999999999999", Err(PriceError::TooHigh)),
            ("4.999", Err(PriceError::TooPrecise)),
            ("", Err(PriceError::Empty)),
            ("  ", Err(PriceError::Empty)),
            ("$", Err(PriceError::NotANumber)),
            ("4.", Err(PriceError::NotANumber)),
            (".5", Err(PriceError::NotANumber)),
            ("-1", Err(PriceError::NotANumber)),
            ("1e3", Err(PriceError::NotANumber)),
            ("1,000", Err(PriceError::NotANumber)),
            ("$$4", Err(PriceError::NotANumber)),
            ("４", Err(PriceError::NotANumber)),
            ("free", Err(PriceError::NotANumber)),
        ];
        for (text, cents) in cases {
            assert_eq!(text.parse::<Price>().map(Price::cents), cents, "{text:?}");
        }
    }

    #[test]
    fn prices_are_shown_with_both_decimals() {
        assert_eq!(Price::from_cents(5).to_string(), "$0.05");
        assert_eq!(Price::from_cents(490).to_string(), "$4.90");
    }

    #[test]
    fn titles_are_trimmed_and_counted_in_characters() {
        let long = "🍵".repeat(200);
        let cases = [
            ("  Tea\n", Ok("Tea")),
            ("抹茶 Matcha", Ok("抹茶 Matcha")),
            (long.as_str(), Ok(long.as_str())),
            ("", Err(TitleError::Empty)),
            (" \t\u{A0}\u{3000}", Err(TitleError::Empty)),
            ("\u{200B}", Err(TitleError::Empty)),
            ("a\tb", Err(TitleError::Control)),
            ("a\0b", Err(TitleError::Control)),
        ];
        for (text, expected) in cases {
            let title = text.parse::<Title>();
            assert_eq!(title.as_ref().map(Title::as_str), expected.as_ref().copied(), "{text:?}");
        }
        assert_eq!("x".repeat(201).parse::<Title>(), Err(TitleError::TooLong(201)));
    }

    #[test]
    fn ids_are_written_in_one_way_only() {
        assert_eq!("7".parse(), Ok(ProductId(7)));
        for text in ["", "07", "+7", "-0", " 7", "7.0", "seven", "99999999999999999999"] {
            assert_eq!(text.parse::<ProductId>(), Err(()), "{text:?}");
        }
    }

    #[test]
    fn folding_ignores_case_in_any_language() {
        for (one, other) in [
            ("TEA", "tea"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("ЧАЙ", "чай"),
            ("Çay", "çAY"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
    }
}
