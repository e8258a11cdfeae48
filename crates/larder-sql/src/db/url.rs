//! The URL of the database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::postgres_url::PostgresUrl;

/// A database, by its URL.
#[derive(Clone, PartialEq, Eq)]
pub enum Url {
    /// A file: `sqlite://larder.sqlite3`, or `sqlite:///var/lib/larder.sqlite3` from the root.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host:5432/name`.
    Postgres(PostgresUrl),
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let schemes = ["postgres://", "postgresql://"];
        if let Some(rest) = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) {
            return PostgresUrl::parse(rest).map(Url::Postgres);
        }
        match text.strip_prefix("sqlite://") {
            Some("") => {
                Err("it has no file name; use sqlite://FILE, as in sqlite://larder.sqlite3".into())
            }
            Some(path) => Ok(Url::Sqlite(path.into())),
            None => Err("use sqlite://FILE or postgres://USER@HOST/NAME".into()),
        }
    }
}

impl fmt::Display for Url {
    /// Prints the URL without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Url::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Url::Postgres(url) => f.write_str(url.without_password()),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
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
