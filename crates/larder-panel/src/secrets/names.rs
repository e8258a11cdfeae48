//! Recognizes secrets by their names.
//!
//! - The words of a name decide: `X-Api-Key`, `accessToken`, `password_hash`, `client[secret]`.
//! - A name that is percent-encoded is decoded first; one that is encoded too often is taken for that of a secret.
//! - The operator can add words by a setting.

use std::cell::RefCell;
use std::sync::RwLock;

use foldhash::{HashMap, HashMapExt};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::letters::decoded;

/// Parts of names of secrets, found whatever stands between their letters.
const PARTS: [&str; 30] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "credential",
    "session",
    "authorization",
    "signature",
    "privatekey",
    "accesskey",
    "cookie",
    "sessid",
    "authentic",
    "authoris",
    "oauth",
    "xauth",
    "oidcdata",
    "clientprincipal",
    "samlresponse",
    "samlrequest",
    "passwort",
    "kennwort",
    "motdepasse",
    "contrasena",
    "wachtwoord",
    "codeverifier",
    "dpop",
];

/// Whole words of names of secrets; `keyword` and `author` do not match.
const WORDS: [&str; 42] = [
    "key",
    "keys",
    "auth",
    "sid",
    "pwd",
    "pass",
    "pw",
    "pin",
    "otp",
    "totp",
    "jwt",
    "sig",
    "hash",
    "salt",
    "digest",
    "bearer",
    "csrf",
    "xsrf",
    "ticket",
    "assertion",
    "userpwd",
    "passw",
    "cred",
    "creds",
    "sess",
    "hmac",
    "mac",
    "nonce",
    "mfa",
    "invite",
    "invitation",
    "magic",
    "unlock",
    "reset",
    "activation",
    "verification",
    "recovery",
    "psw",
    "otc",
    "cvv",
    "cvc",
    "ssn",
];

/// A name of a secret that is a part of harmless ones: `Access-Control-Allow-Origin`.
const ALONE: &str = "access";

/// Words that end in `key` and name no secret.
const NO_KEYS: [&str; 7] = ["monkey", "turkey", "donkey", "hockey", "jockey", "whiskey", "hotkey"];

/// What may stand before `code` in a name: `country_code` is no secret; `code` of OAuth, `access_code`, `otpCode` are.
const NO_CODES: [&str; 25] = [
    "country", "post", "postal", "zip", "area", "region", "city", "state", "airport", "language",
    "lang", "locale", "currency", "status", "error", "exit", "response", "reason", "bar", "qr",
    "product", "item", "source", "colour", "color",
];

/// Names that a thread remembers, and the length of the longest one.
const MOST_NAMES: usize = 1_000;
const LONGEST_NAME: usize = 64;

/// The field under which the cache logs its keys, which are not secrets.
const CACHE_KEY: &str = "cache.key";

/// Words that the operator has added.
static OWNERS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Adds words that mark names of secrets from now on.
pub fn add(words: &[String]) {
    let words = words.iter().map(|word| squashed(word)).filter(|word| !word.is_empty());
    OWNERS.write().unwrap().extend(words);
}

/// What is known of names that were asked about, and by how many words of the operator.
#[derive(Default)]
struct Memory {
    words: usize,
    names: HashMap<String, bool>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Reports whether the value with this name (a column, a header, a parameter) is a secret.
pub fn is_named(name: &str) -> bool {
    match name.contains(['%', '\\']) {
        true => decoded(name).is_none_or(|name| is_known(&name)),
        false => is_known(name),
    }
}

fn is_known(name: &str) -> bool {
    // Requests have the same few names again and again, and each takes longer than the whole request.
    MEMORY.with_borrow_mut(|memory| {
        let words = OWNERS.read().unwrap().len();
        if memory.words != words || memory.names.len() >= MOST_NAMES {
            *memory = Memory { words, names: HashMap::new() };
        }
        if let Some(known) = memory.names.get(name) {
            return *known;
        }
        let is_secret = is_secret_name(name);
        if name.len() <= LONGEST_NAME {
            memory.names.insert(name.to_owned(), is_secret);
        }
        is_secret
    })
}

fn is_secret_name(name: &str) -> bool {
    if name == CACHE_KEY {
        return false;
    }
    let whole = squashed(name);
    let word = whole.trim_end_matches(|c: char| c.is_ascii_digit());
    word == ALONE
        || is_secret_code(word.strip_suffix('s').unwrap_or(word))
        || PARTS.iter().any(|part| whole.contains(part))
        || words(name)
            .iter()
            .any(|word| is_secret_word(word.trim_end_matches(|c: char| c.is_ascii_digit())))
        || OWNERS.read().unwrap().iter().any(|part| whole.contains(part.as_str()))
}

fn is_secret_code(whole: &str) -> bool {
    let before = whole.strip_suffix("code");
    before.is_some_and(|before| !NO_CODES.iter().any(|word| before.ends_with(word)))
}

fn is_secret_word(word: &str) -> bool {
    WORDS.contains(&word) || word.ends_with("key") && !NO_KEYS.contains(&word)
}

/// Returns the letters of a name without accents and in their plain form: full-width ones are plain then.
fn plain(name: &str) -> impl Iterator<Item = char> {
    name.nfkd().filter(|letter| !is_combining_mark(*letter))
}

/// Returns the letters and digits of a name, in lower case.
pub(super) fn squashed(name: &str) -> String {
    plain(name).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Splits a name into words: `accessToken_2` into `access`, `token`, `2`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in plain(name) {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if letter.is_alphanumeric() {
            words.last_mut().expect("there is one").extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name() {
        let secrets = [
            "password_hash",
            "digest",
            "\u{ff54}oken",
            "mot_de_passe",
            "contraseña",
            "Contrasen\u{303}a2",
            "psw",
            "token",
            "token_hash",
            "X-Api-Key",
            "x-apikey",
            "Authorization",
            "Cookie",
            "set-cookie",
            "Proxy-Authorization",
            "X-Amz-Security-Token",
            "accessToken",
            "client[secret]",
            "user[password]",
            "new-password",
            "PASSWORD",
            "sessionid",
            "PHPSESSID_session",
            "X-CSRF",
            "api.key",
            "clientSecret2",
            "key",
            "Private-Key",
            "pwd",
            "refresh_token",
            "PHPSESSID",
            "authkey",
            "encryptionkey",
            "oauth",
            "X-Authorisation",
            "Authentication",
            "pass1",
            "otp2",
            "userpwd",
            "passw",
            "cred",
            "creds",
            "sess",
            "hmac",
            "mac",
            "nonce",
            "mfa",
            "code_verifier",
            "SAMLResponse",
            "X-Amzn-Oidc-Data",
            "DPoP",
            "code",
            "X-Verification-Code",
            "X-Access-Code",
            "authCode",
            "otp_code_2",
            "recovery-codes",
            "invite",
            "magic_link",
            "unlock",
            "access",
            "access_key",
            "accessKey",
            "reset",
            "p%61ssword",
            "p\\u0061ssword",
            "%2570in",
            "x%2525252525",
        ];
        for name in secrets {
            assert!(is_named(name), "{name}");
        }
        let others = [
            "q",
            "page",
            "title",
            "price_cents",
            "keyword",
            "monkey",
            "author",
            "passenger",
            "Accept",
            "Content-Type",
            "spin",
            "compass",
            "Cache-Status",
            "ETag",
            "search_text",
            "folded_name",
            "country_code",
            "X-Country-Code",
            "zipcode",
            "status_code",
            "barcode",
            "Access-Control-Allow-Origin",
            "accessories",
            "t%69tle",
            "50%",
            "",
        ];
        for name in others {
            assert!(!is_named(name), "{name}");
        }
    }

    #[test]
    fn the_owner_adds_words() {
        assert!(!is_named("X-Loyalty-Number"));
        add(&["loyalty-number".to_owned(), String::new()]);
        assert!(is_named("x_loyalty_number") && !is_named("x-number"));
    }
}
