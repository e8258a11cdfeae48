//! Accounts, their passwords, and the secrets of sessions and tokens.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::site::digest;
use crate::site::row_id::RowId;
use crate::site::text::{self, TextError, nfc};
use crate::site::time::Timestamp;
use crate::site::words::fold;

/// The account of one member of the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its name, as typed.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The number of an account.
pub type AccountId = RowId<Account>;

/// An account's name: one line of 1 to 50 visible characters.
///
/// `Mina`, `mina` and `Ｍｉｎａ` are the same name, and so are `José` in NFC and in NFD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Length of the longest name, in characters.
    pub const LONGEST: usize = 50;

    /// Returns the name as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form that is compared.
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

/// A valid password: 8 to 200 characters, taken as typed except for its Unicode form.
///
/// Characters are counted in that form: systems type the same letter as one or as several.
///
/// Source: NIST SP 800-63B, which asks for length and for nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Length of the shortest password, in characters.
    pub const SHORTEST: usize = 8;

    /// Length of the longest password, in characters. Longer ones would take longer to hash.
    pub const LONGEST: usize = 200;

    /// Returns the password as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a text is not a valid password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is easily guessed.
    #[error("A password has at least 8 characters.")]
    TooShort,
    /// It is slow to hash.
    #[error("A password has at most 200 characters.")]
    TooLong,
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        match nfc(text).chars().count() {
            ..Self::SHORTEST => Err(PasswordError::TooShort),
            Self::SHORTEST..=Self::LONGEST => Ok(Self(text.to_owned())),
            _ => Err(PasswordError::TooLong),
        }
    }
}

/// The secret of a session or token: 256 random bits as 43 letters of base64url. It is not stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Draws a new secret.
    ///
    /// # Panics
    /// Panics if the system provides no random bytes: nothing could be secured then.
    pub fn draw() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system gives random bytes");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Parses a secret that a client presents, if it is well-formed.
    pub fn shown(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.to_owned()))
    }

    /// Returns the text that a client presents.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the digest that is stored; it does not reveal the secret.
    ///
    /// Plain SHA-256 suffices, since a random secret cannot be guessed.
    pub fn digest(&self) -> String {
        digest::of([self.as_str()])
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The account behind a valid session or token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The account's number.
    pub account: i64,
    /// The account's name.
    pub name: String,
    /// When the session began and when it ends; `None` for a token.
    pub session: Option<(Timestamp, Timestamp)>,
}

impl Known {
    /// Reports whether it is still valid at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.session.is_none_or(|(_, end)| now < end)
    }
}

/// One line of `larder account list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The account.
    pub account: Account,
    /// How many sessions it has.
    pub sessions: u64,
    /// How many tokens it has.
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
        // As long in each form of its letters.
        for letter in ["é", "e\u{301}"] {
            let parse = |count| letter.repeat(count).parse::<Password>().map(|_| ());
            assert_eq!(parse(7), Err(PasswordError::TooShort), "{letter:?}");
            assert_eq!((parse(8), parse(200)), (Ok(()), Ok(())), "{letter:?}");
            assert_eq!(parse(201), Err(PasswordError::TooLong), "{letter:?}");
        }
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
