//! Finds rules that contradict each other, before an app is built with them.

use std::fmt;

use super::rules::Rules;
use crate::hole;
use crate::http::freshness::Owner;
use crate::http::list::is_token;

/// Two rules of which at most one can hold, or one that can never hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction(String);

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Contradiction {}

impl Rules {
    /// Checks the rules, such as those of a configuration file.
    ///
    /// # Errors
    /// Returns the first contradiction, and what would be right.
    pub fn check(&self) -> Result<(), Contradiction> {
        let never = |status: &&u16| !(200..=599).contains(*status) || [206, 304].contains(*status);
        let both = self.sessions.iter().find(|name| self.cookies.contains(name));
        let mut names = self.sessions.iter().chain(&self.cookies);
        let unnamed = names.find(|name| !is_token(name.as_bytes()));
        let is_default = matches!(self.owner, Owner::Default(_));
        let is_noun = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let found = match () {
            () if self.is_shared && is_default => {
                "shared pages have the lifetime of their policy: use `default_lifetime` only with \
                 `Rules::respecting`"
                    .to_owned()
            }
            () if self.user.is_some() && !self.is_shared => {
                "pages for each user need `Rules::shared`: the handler of the page for anonymous visitors must \
                 not see them"
                    .to_owned()
            }
            () if !self.holes.is_empty() && !self.is_shared => {
                "holes need `Rules::shared`: around them a page is the same for all".to_owned()
            }
            () if !self.holes.iter().all(|hole| hole::is_name(&hole.name)) => {
                "the name of a hole has letters of ASCII, digits and `_` only".to_owned()
            }
            () if self.keyed.iter().any(|keyed| keyed.header().is_none()) => {
                "a value by which pages are keyed has a name that no header can have".to_owned()
            }
            () if self.statuses.is_empty() => "no status is stored: name at least one".to_owned(),
            () if self.largest == 0 => "no body is small enough to be stored".to_owned(),
            () if self.prefix.is_empty() || !self.prefix.bytes().all(is_noun) => {
                format!(
                    "the prefix {:?} is no noun of letters, digits, `.`, `_` and `-`",
                    self.prefix
                )
            }
            () => match (self.statuses.iter().find(never), both, unnamed) {
                (Some(status), ..) => format!("no response with the status {status} can be stored"),
                (_, Some(name), _) => format!(
                    "the cookie {name:?} is a session, whose requests bypass the cache, and a part of \
                     the key"
                ),
                (.., Some(name)) => format!("{name:?} is no name of a cookie"),
                _ => return Ok(()),
            },
        };
        Err(Contradiction(found))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::page::cached;

    #[test]
    fn rules_that_contradict_each_other_are_refused() {
        let minute = Duration::from_secs(60);
        let (shared, respecting) = (|| Rules::from(minute), Rules::respecting);
        let names = ["lang".to_owned(), "theme".to_owned()];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for rules in [
            shared(),
            respecting().default_lifetime(minute),
            shared().keyed_cookies(&names).sessions(&["sid"]).parameters(&names).prefix("shop.v2"),
            respecting().statuses(&[200, 405, 501]).key_by("device", |_| 1),
            shared().per_user(|_| Some(1)).hole("name_1", |_| 1),
        ] {
            assert_eq!(rules.check(), Ok(()), "{rules:?}");
            cached(rules);
        }
        for (rules, reason) in [
            (shared().default_lifetime(minute), "default_lifetime"),
            (respecting().statuses(&[]), "no status"),
            (respecting().per_user(|_| Some(1)), "for each user"),
            (shared().key_by("a b", |_| 1), "no header"),
            (respecting().hole("name", |_| 1), "holes need"),
            (shared().hole("a-b", |_| 1), "name of a hole"),
            (respecting().statuses(&[200, 304]), "304"),
            (respecting().statuses(&[99]), "99"),
            (respecting().largest_body(0), "no body"),
            (respecting().prefix(""), "prefix"),
            (respecting().prefix("a:b"), "a:b"),
            (respecting().keyed_cookies(&names).sessions(&["sid", "theme"]), "theme"),
            (respecting().sessions(&["a b"]), "a b"),
        ] {
            let found = rules.check().expect_err("a contradiction").to_string();
            assert!(found.contains(reason), "{found}");
            assert!(std::panic::catch_unwind(|| cached(rules)).is_err(), "{reason}");
        }
    }
}
