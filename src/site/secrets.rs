//! Recognizes secrets by their names and hides their values in recordings, logs and pages.
//!
//! - The words of a name decide: `X-Api-Key`, `accessToken`, `password_hash`, `client[secret]`.
//!   Hiding too much is better than hiding too little, since only what people are shown depends on
//!   it.
//! - The operator of the shop can add words by a setting.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::RwLock;

use percent_encoding::percent_decode_str;

/// The text shown in place of a secret.
pub const HIDDEN: &str = "…";

/// Parts of names of secrets, found whatever stands between their letters.
const PARTS: [&str; 28] = [
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
    "authcode",
    "codeverifier",
    "dpop",
];

/// Whole words of names of secrets; `keyword` and `author` do not match.
const WORDS: [&str; 29] = [
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
];

/// Words that end in `key` and name no secret.
const NO_KEYS: [&str; 7] = ["monkey", "turkey", "donkey", "hockey", "jockey", "whiskey", "hotkey"];

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
    PARTS.iter().any(|part| whole.contains(part))
        || words(name)
            .iter()
            .any(|word| is_secret_word(word.trim_end_matches(|c: char| c.is_ascii_digit())))
        || OWNERS.read().unwrap().iter().any(|part| whole.contains(part.as_str()))
}

fn is_secret_word(word: &str) -> bool {
    WORDS.contains(&word) || word.ends_with("key") && !NO_KEYS.contains(&word)
}

/// Returns the letters and digits of a name, in lower case.
fn squashed(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Splits a name into words: `accessToken_2` into `access`, `token`, `2`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
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

/// Replaces secrets in `text` with `…`.
///
/// A secret follows the name of one (`token=x`, `"password": "x"`, `Authorization: Bearer x`,
/// `token%3Dx`), or is the user info of an address.
pub fn hide(text: &str) -> Cow<'_, str> {
    if !text.contains(['=', ':']) && !text.contains("%3") {
        return Cow::Borrowed(text);
    }
    let mut hidden = String::new();
    let (mut shown, mut from) = (0, 0);
    while let Some((at, sign)) = next_sign(text, from) {
        from = at + sign;
        let value = if text[at..].starts_with("://") {
            let start = at + 3;
            let end = start
                + text[start..].find(['/', ' ', '"', '?', '\n']).unwrap_or(text.len() - start);
            text[start..end].rfind('@').map(|user| (start, start + user))
        } else {
            let name = percent_decode_str(name_before(&text[..at])).decode_utf8_lossy();
            // `a%3D1%26b`: what an encoded sign separates is another name.
            let name = name.rsplit(['&', '=', '?', '/', ';']).next().unwrap_or_default();
            is_named(name).then(|| value_after(text, from, has_many_words(name))).flatten()
        };
        if let Some((start, end)) = value.filter(|(start, end)| *start >= shown && end > start) {
            hidden.push_str(&text[shown..start]);
            hidden.push_str(HIDDEN);
            (shown, from) = (end, end);
        }
    }
    if shown == 0 {
        return Cow::Borrowed(text);
    }
    hidden.push_str(&text[shown..]);
    Cow::Owned(hidden)
}

/// Finds the next sign between a name and a value: its place and its length.
fn next_sign(text: &str, from: usize) -> Option<(usize, usize)> {
    let signs = ["=", ":", "%3D", "%3d", "%3A", "%3a"];
    let found = signs.iter().filter_map(|sign| Some((from + text[from..].find(sign)?, sign.len())));
    found.min()
}

/// Returns the name at the end of a text.
fn name_before(text: &str) -> &str {
    let text = before_colour(text).trim_end_matches([' ', '"', '\'', '\\', '`']);
    let text = before_colour(text);
    let is_part = |c: char| c.is_alphanumeric() || "_-.[]%".contains(c);
    let name = text.rsplit(|c| !is_part(c)).next().unwrap_or_default();
    // The end of a colour code is not part of the name.
    let is_coloured = text[..text.len() - name.len()].ends_with('\x1b');
    let behind = name.split_once('m').map_or(name, |(_, behind)| behind);
    if is_coloured { behind } else { name }
}

/// Returns a text without the terminal colour codes at its end.
fn before_colour(text: &str) -> &str {
    let is_colour = |code: &str| {
        code.strip_suffix('m')
            .is_some_and(|code| code.bytes().all(|b| b.is_ascii_digit() || b == b';'))
    };
    match text.rsplit_once("\x1b[") {
        Some((before, code)) if is_colour(code) => before_colour(before),
        _ => text,
    }
}

/// Reports whether the value under this name goes on to the end of its line: cookies, and credentials of any scheme.
fn has_many_words(name: &str) -> bool {
    let name = squashed(name);
    name.contains("cookie") || name.contains("authorization")
}

/// Returns the range of the value that begins near `from`.
fn value_after(text: &str, from: usize, is_line: bool) -> Option<(usize, usize)> {
    let is_list = text[from..].trim_start_matches([' ', ':', '=', '"']).starts_with('[');
    let mut rest = text[from..].trim_start_matches([' ', '=', ':', '\\', '>', '(', '[']);
    while let Some((_, behind)) = rest.strip_prefix("\x1b[").and_then(|code| code.split_once('m')) {
        rest = behind;
    }
    let start = text.len() - rest.len();
    if is_list && let Some(end) = rest.find(']') {
        return Some((start, start + end));
    }
    let quote = rest.chars().next().filter(|c| ['"', '\'', '`'].contains(c));
    if let Some(quote) = quote {
        let inside = &rest[1..];
        let mut was_escape = false;
        let end = inside.find(|c| {
            let is_end = c == quote && !was_escape;
            was_escape = c == '\\' && !was_escape;
            is_end
        });
        return Some((start + 1, start + 1 + end.unwrap_or(inside.len())));
    }
    if is_line {
        let end = rest.find(['\n', '\r', '"', '\'', '`']).unwrap_or(rest.len());
        return Some((start, start + end));
    }
    let scheme = ["bearer ", "basic ", "digest ", "token "];
    let is_scheme = |scheme: &&&str| {
        rest.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme))
    };
    let skipped = scheme.iter().find(is_scheme).map_or(0, |scheme| scheme.len());
    let is_end = |c: char| c.is_whitespace() || "&;,\"'`)<>|".contains(c);
    let end = rest[skipped..].find(is_end).unwrap_or(rest.len() - skipped) + skipped;
    let end = rest[..end].find("%26").unwrap_or(end);
    // In `session:digest="x"` the name next to the value decides.
    let is_name = rest[..end].ends_with(['=', ':']) && rest[end..].starts_with(['"', '\'']);
    (!is_name).then_some((start, start + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_name() {
        let secrets = [
            "password_hash",
            "digest",
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

    #[test]
    fn what_follows_the_name_of_a_secret_is_hidden_in_any_text() {
        let cases = [
            ("/?token=abc&q=tea", "/?token=…&q=tea"),
            ("a token=abc, b", "a token=…, b"),
            (r#"{"password": "a\"b", "n": 1}"#, r#"{"password": "…", "n": 1}"#),
            ("Authorization: Bearer abc.def x", "Authorization: …"),
            ("Authorization: Negotiate  abc\nx", "Authorization: …\nx"),
            ("Cookie: a=b; sess=abc", "Cookie: …"),
            ("next=%2Fa%3Ftoken%3Dabc%26b%3D1", "next=%2Fa%3Ftoken%3D…%26b%3D1"),
            ("(token_hash = 'abc'::text)", "(token_hash = '…'::text)"),
            ("postgres://mina:p@ss@host/db", "postgres://…@host/db"),
            (r#"page:path="/":query="q=1&api_key=abc""#, r#"page:path="/":query="q=1&api_key=…""#),
            ("é token=ü", "é token=…"),
            ("http://h/?%74oken=abc", "http://h/?%74oken=…"),
            (r#"{"password" : ["abc", "d"], "n": 1}"#, r#"{"password" : […], "n": 1}"#),
            (r#"accounts.session:digest="abc""#, r#"accounts.session:digest="…""#),
            ("\x1b[3mtoken\x1b[0m\x1b[2m=\x1b[0mabc", "\x1b[3mtoken\x1b[0m\x1b[2m=\x1b[0m…"),
            ("\x1b[3mkey\x1b[0m\x1b[2m=\x1b[0mabc", "\x1b[3mkey\x1b[0m\x1b[2m=\x1b[0m…"),
            (r#"cache.key="larder-values:1:motd""#, r#"cache.key="larder-values:1:motd""#),
            ("nothing = here: at all", "nothing = here: at all"),
            ("token=", "token="),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(hide(text), expected, "{text}");
        }
    }
}
