//! Keeps passwords out of the error messages of the command line.
//!
//! - clap quotes values that it rejects, and arguments that it does not expect.

use clap::error::{ContextKind, ContextValue};

use crate::config::front;

/// Flags whose values are never quoted.
const SECRET_FLAGS: [&str; 6] =
    ["--database", "--redis", "--token", "--supplier", "--site", "--front"];

/// Environment variables whose values may contain a password.
const SECRET_SETTINGS: [&str; 7] = [
    "DATABASE_URL",
    "REDIS_URL",
    "LARDER_TOKEN",
    "LARDER_SUPPLIER",
    "LARDER_SITE",
    "LARDER_FRONT",
    front::TOKEN,
];

/// Returns clap's message for an error, without anything that may contain a password.
pub fn sentence(error: &clap::Error) -> String {
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => flag.as_str(),
        _ => "",
    };
    let text = masked(&error.to_string());
    match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value))
            if SECRET_FLAGS.iter().any(|one| flag.starts_with(one)) =>
        {
            text.replace(&format!(" '{value}'"), "")
        }
        _ => text,
    }
}

/// Removes arguments and settings that may contain a password.
fn masked(text: &str) -> String {
    let arguments = std::env::args_os().skip(1).map(|one| one.to_string_lossy().into_owned());
    let settings = SECRET_SETTINGS.iter().filter_map(|name| std::env::var(name).ok());
    mask(text, arguments, settings)
}

fn mask(
    text: &str,
    arguments: impl Iterator<Item = String>,
    settings: impl Iterator<Item = String>,
) -> String {
    let values = arguments.flat_map(|argument| match argument.split_once('=') {
        Some((name, value)) if name.starts_with('-') => vec![value.to_owned()],
        _ => vec![argument],
    });
    let mut secrets: Vec<String> =
        values.filter(|value| may_be_secret(value)).chain(settings).collect();
    // The longest first, since it may contain a shorter one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
}

/// Reports whether a value may hold a login, as a URL or as libpq's `password=…`, even malformed.
fn may_be_secret(value: &str) -> bool {
    let behind = value.split_once("://").map_or("", |(_, behind)| behind);
    behind.contains([':', '?']) || value.contains('@') || value.to_lowercase().contains("password")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_password_is_not_repeated() {
        let given = [
            "serve",
            "postgress://ann:secret@db/shop",
            "--database=host=db password=secret",
            "ann:secret@db",
            "--port",
        ];
        for value in given {
            let value = value.strip_prefix("--database=").unwrap_or(value);
            let text = format!("error: invalid value '{value}' for '--database <URL>'");
            let arguments = given.iter().map(|one| (*one).to_owned());
            let told = mask(&text, arguments, std::iter::once("secret".to_owned()));
            assert!(!told.contains("secret"), "{told}");
            assert_eq!(told.contains(value), ["serve", "--port"].contains(&value), "{told}");
        }
    }
}
