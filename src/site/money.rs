//! Prices in whole cents of US dollars.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::render::grouped;

/// A price in whole cents, 0 to 999,999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Price(i64);

impl Price {
    /// The highest price in cents: 9,999,999.99.
    pub const HIGHEST: i64 = 999_999_999;

    /// Creates a price from cents, as stored in the database.
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// Returns the price in cents.
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// Formats the price as it is typed: `4.99`.
    pub fn plain(&self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl fmt::Display for Price {
    /// Formats the price as it is shown: `$1,234.99`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}${}.{:02}", grouped(cents / 100), cents % 100)
    }
}

/// The reason why a text is not a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The text is empty.
    #[error("Enter a price, such as 4.99.")]
    Empty,
    /// The text is not a number.
    #[error("Enter the price in digits, such as 4, 4.9, 4.99 or $4.99.")]
    NotANumber,
    /// The price has fractions of a cent.
    #[error("A price has at most two decimals, such as 4.99.")]
    TooPrecise,
    /// The price exceeds [`Price::HIGHEST`].
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
        assert_eq!(Price::from_cents(12_345_678).to_string(), "$123,456.78");
    }
}
