//! What an account is, and what is shown to be known by it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::site::digest;
use crate::site::row_id::RowId;
use crate::site::text::{self, TextError, fold};
use crate::site::time::Timestamp;

/// Somebody of the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// What its owner is called here.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The number of an account.
pub type AccountId = RowId<Account>;

/// A name: one line, 1 to 50 characters that are seen; `Mina`, `mina` and `Ｍｉｎａ` are one, and so are `José` in
/// NFC and in NFD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Characters of the longest.
    pub const LONGEST: usize = 50;

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is compared.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl FromStr for Name {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text::name("a name", text, Self::LONGEST).map(Self)
    }
}

/// A password that was chosen: 8 to 200 characters, taken as typed but for its Unicode form.
///
/// Source: NIST SP 800-63B, which asks for length and for nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Characters of the shortest.
    pub const SHORTEST: usize = 8;

    /// Characters of the longest: hashing takes longer for a longer one.
    pub const LONGEST: usize = 200;

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Easily guessed.
    #[error("A password has at least 8 characters.")]
    TooShort,
    /// Slow to hash.
    #[error("A password has at most 200 characters.")]
    TooLong,
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        match text.chars().count() {
            ..Self::SHORTEST => Err(PasswordError::TooShort),
            Self::SHORTEST..=Self::LONGEST => Ok(Self(text.to_owned())),
            _ => Err(PasswordError::TooLong),
        }
    }
}

/// What a browser or a program shows: 256 bits by chance, as 43 letters of base64url. Not kept anywhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    ///
    /// # Panics
    /// Where the system has no randomness to give: nothing may be secured then.
    pub fn draw() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What somebody shows, if it can be one.
    pub fn shown(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it: who reads that cannot show the secret. Plain SHA-256, since what is drawn by
    /// chance cannot be guessed.
    pub fn digest(&self) -> String {
        digest::of([self.as_str()])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A session or a token that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Whose it is.
    pub account: i64,
    /// The name of that account.
    pub name: String,
    /// When it ends; none for a token.
    pub expires_at: Option<Timestamp>,
}

impl Known {
    /// Whether it still counts at this moment.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// A line of `larder account list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub account: Account,
    /// So many browsers have signed in.
    pub sessions: u64,
    /// So many programs act for it.
    pub tokens: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_any_text() {
        let cases = [
            ("1234567", Err(PasswordError::TooShort)),
            ("12345678", Ok(())),
            ("  spaces  ", Ok(())),
            ("🍵🍵🍵🍵🍵🍵🍵🍵", Ok(())),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Password>().map(|_| ()), expected, "{text:?}");
        }
        assert_eq!("x".repeat(201).parse::<Password>(), Err(PasswordError::TooLong));
    }

    #[test]
    fn secrets_differ_and_only_secrets_are_taken() {
        let (one, other) = (Secret::draw(), Secret::draw());
        assert_ne!(one, other);
        assert_eq!(Secret::shown(one.as_str()), Some(one.clone()));
        assert_eq!(one.digest().len(), 64);
        for text in ["", "x", &one.as_str()[1..], &format!("{}A", one.as_str()), "' OR 1=1 --"] {
            assert_eq!(Secret::shown(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let printed = format!("{:?} {:?}", "tea-and-toast".parse::<Password>(), Secret::draw());
        assert_eq!(printed, "Ok(***) ***");
    }
}
