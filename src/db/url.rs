//! Where the database is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A database, by its URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Url {
    /// A file: `sqlite://larder.sqlite3`, or `sqlite:///var/lib/larder.sqlite3` from the root.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host:5432/name`, as libpq reads it.
    Postgres(String),
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Url::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite://") {
            Some("") => {
                Err("it names no file; use sqlite://FILE, as in sqlite://larder.sqlite3".into())
            }
            Some(path) => Ok(Url::Sqlite(path.into())),
            None => Err("use sqlite://FILE or postgres://USER@HOST/NAME".into()),
        }
    }
}

impl fmt::Display for Url {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Url::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Url::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `postgres://ann:secret@host/name?x=y` as `postgres://ann:***@host/name`.
fn without_password(url: &str) -> String {
    let shown = url.split('?').next().unwrap_or(url);
    let Some((scheme, rest)) = shown.split_once("://") else { return "***".into() };
    let Some((user, place)) = rest.rsplit_once('@') else { return shown.to_owned() };
    match user.split_once(':') {
        Some((name, _)) => format!("{scheme}://{name}:***@{place}"),
        None => shown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_printed_without_their_password() {
        let cases = [
            ("sqlite://larder.sqlite3", "sqlite://larder.sqlite3"),
            ("sqlite:///srv/l.db", "sqlite:///srv/l.db"),
            ("postgres://ann@db/shop", "postgres://ann@db/shop"),
            ("postgres://ann:a@b:c@db/shop?password=x", "postgres://ann:***@db/shop"),
        ];
        for (text, printed) in cases {
            assert_eq!(text.parse::<Url>().map(|url| url.to_string()), Ok(printed.to_owned()));
        }
    }

    #[test]
    fn what_is_no_database_is_refused_with_a_hint() {
        for text in ["", "larder.sqlite3", "mysql://x/y", "sqlite://"] {
            let error = text.parse::<Url>().unwrap_err();
            assert!(error.contains("sqlite://"), "{text}: {error}");
        }
    }
}
