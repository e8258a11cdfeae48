//! Writes `Cache-Control`.
//!
//! - Names are lower-cased and `_` becomes `-`; order and unknown directives stay.
//! - Of the old and the new `max-age` the smaller is written; a negative one becomes 0.
//! - `public` and `private` replace each other.
//! - Field names of `no-cache` are collected in one quoted list, as RFC 9111 §5.2.2.4 requires. Without
//!   names it covers all fields.
//! - An unreadable member stays unchanged in its place. A line with an open quote is written as the
//!   `no-store` that it counts as, since another line might close the quote.
//!
//! Django: `patch_cache_control`, `get_max_age`, `add_never_cache_headers`.

use std::time::Duration;

use actix_web::http::header::HeaderValue;

use super::{directives, list};

/// A directive to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    name: String,
    argument: Option<String>,
}

impl Directive {
    /// Creates a directive without argument: `public`.
    pub fn flag(name: &str) -> Self {
        Self { name: normal(name), argument: None }
    }

    /// Creates a directive with an argument: `no-cache` of `Set-Cookie`.
    pub fn with(name: &str, argument: &str) -> Self {
        Self { name: normal(name), argument: Some(argument.to_owned()) }
    }

    /// Creates a directive with seconds: `max-age`; a negative number becomes 0.
    pub fn seconds(name: &str, seconds: i64) -> Self {
        Self::with(name, &seconds.max(0).to_string())
    }
}

fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Returns the directives for a response that no cache may store. Django: `never_cache`.
pub fn never() -> [Directive; 5] {
    let flag = Directive::flag;
    let names = ["no-cache", "no-store", "must-revalidate", "private"].map(flag);
    let [no_cache, no_store, must_revalidate, private] = names;
    [Directive::seconds("max-age", 0), no_cache, no_store, must_revalidate, private]
}

/// Returns the first `max-age` of the lines, if it is a number. Django: `get_max_age`.
pub fn max_age<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Option<Duration> {
    let written = Written::of(lines);
    let known = written.0.iter().find(|known| known.name == "max-age")?;
    directives::seconds(known.argument.as_ref()?)
}

/// Returns the lines with these directives set, or `None` if the result is no valid header.
pub fn patch<'h>(
    lines: impl IntoIterator<Item = &'h HeaderValue>,
    changes: impl IntoIterator<Item = Directive>,
) -> Option<HeaderValue> {
    let mut written = Written::of(lines);
    for change in changes {
        written.set(change);
    }
    HeaderValue::from_bytes(&written.print()).ok()
}

struct Written(Vec<Known>);

/// A directive of the header, with its argument unquoted; unreadable ones have no name.
struct Known {
    name: String,
    argument: Option<Vec<u8>>,
    raw: Vec<u8>,
}

impl Known {
    fn of(member: &[u8]) -> Self {
        match list::pair(member) {
            Ok((name, argument)) => Self {
                name: String::from_utf8_lossy(name).to_ascii_lowercase(),
                raw: [name.to_ascii_lowercase().as_slice(), &member[name.len()..]].concat(),
                argument: argument.map(|text| text.into_owned()),
            },
            Err(_) => Self { name: String::new(), argument: None, raw: member.to_owned() },
        }
    }

    fn from(change: Directive) -> Self {
        let argument = change.argument.map(String::into_bytes);
        let raw = raw(&change.name, argument.as_deref());
        Self { name: change.name, argument, raw }
    }
}

fn raw(name: &str, argument: Option<&[u8]>) -> Vec<u8> {
    let mut raw = name.as_bytes().to_owned();
    if let Some(argument) = argument {
        raw.push(b'=');
        write_argument(name, argument, &mut raw);
    }
    raw
}

/// Writes a token where that is allowed; field names are always quoted.
fn write_argument(name: &str, argument: &[u8], raw: &mut Vec<u8>) {
    if list::is_token(argument) && !["no-cache", "private"].contains(&name) {
        return raw.extend(argument);
    }
    raw.push(b'"');
    for byte in argument {
        if matches!(byte, b'"' | b'\\') {
            raw.push(b'\\');
        }
        raw.push(*byte);
    }
    raw.push(b'"');
}

impl Written {
    fn of<'h>(lines: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let mut written = Self(Vec::new());
        for line in lines {
            match list::members(line.as_bytes()) {
                Ok(members) => members.for_each(|member| written.add(Known::of(member))),
                Err(_) => written.set(Directive::flag("no-store")),
            }
        }
        written
    }

    /// Adds a directive of the header, also a repeated one.
    fn add(&mut self, known: Known) {
        if known.name == "no-cache" {
            self.add_fields(known);
        } else {
            self.0.push(known);
        }
    }

    fn set(&mut self, change: Directive) {
        let mut change = Known::from(change);
        match change.name.as_str() {
            "no-cache" => return self.add_fields(change),
            "public" => self.remove("private"),
            "private" => self.remove("public"),
            "max-age" => {
                if let Some(shorter) = self.shorter_than(&change) {
                    change = Known::from(shorter);
                }
            }
            _ => {}
        }
        let place = self.0.iter().position(|known| known.name == change.name);
        let place = place.unwrap_or(self.0.len());
        self.remove(&change.name);
        self.0.insert(place.min(self.0.len()), change);
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|known| known.name != name);
    }

    fn shorter_than(&self, change: &Known) -> Option<Directive> {
        let of = |known: &Known| directives::seconds(known.argument.as_deref()?);
        let ages = self.0.iter().filter(|known| known.name == "max-age").filter_map(of);
        let age = ages.chain(of(change)).min()?;
        Some(Directive::with("max-age", &age.as_secs().to_string()))
    }

    /// Adds up the field names of `no-cache`; without names it covers all fields.
    fn add_fields(&mut self, change: Known) {
        let Some(known) = self.0.iter_mut().find(|known| known.name == "no-cache") else {
            return self.0.push(change);
        };
        let fields = known.argument.take().zip(change.argument).map(|(mut fields, more)| {
            for more in more.split(|byte| *byte == b',').map(list::trim) {
                let mut names = fields.split(|byte| *byte == b',').map(list::trim);
                if !names.any(|name| name.eq_ignore_ascii_case(more)) {
                    fields = [&fields, b", ".as_slice(), more].concat();
                }
            }
            fields
        });
        known.raw = raw("no-cache", fields.as_deref());
        known.argument = fields;
    }

    fn print(&self) -> Vec<u8> {
        let members: Vec<_> = self.0.iter().map(|known| known.raw.as_slice()).collect();
        members.join(b", ".as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(old: &'static str, changes: impl IntoIterator<Item = Directive>) -> String {
        let header = patch([&HeaderValue::from_static(old)], changes).unwrap();
        header.to_str().unwrap().to_owned()
    }

    fn flagged(old: &'static str, name: &str) -> String {
        patched(old, [Directive::flag(name)])
    }

    #[test]
    fn the_smaller_max_age_is_written() {
        let cases = [
            ("max-age=60", 30, "max-age=30"),
            ("max-age=30", 60, "max-age=30"),
            ("public, max-age=30, x", 60, "public, max-age=30, x"),
            ("max-age=x", 60, "max-age=60"),
            ("", 60, "max-age=60"),
            ("max-age=60", -5, "max-age=0"),
        ];
        for (old, new, expected) in cases {
            assert_eq!(patched(old, [Directive::seconds("max_age", new)]), expected, "{old}");
        }
    }

    #[test]
    fn public_and_private_replace_each_other() {
        let cases = [
            ("", "private", "private"),
            ("private", "private", "private"),
            ("private", "public", "public"),
            ("public", "public", "public"),
            ("public", "private", "private"),
            ("must-revalidate,max-age=60,private", "public", "must-revalidate, max-age=60, public"),
            (
                "must-revalidate,max-age=60,public",
                "private",
                "must-revalidate, max-age=60, private",
            ),
            ("must-revalidate,max-age=60", "public", "must-revalidate, max-age=60, public"),
            (r#"private="x""#, "public", "public"),
        ];
        for (old, name, expected) in cases {
            assert_eq!(flagged(old, name), expected, "{old}");
        }
    }

    #[test]
    fn fields_of_no_cache_add_up_until_it_covers_all() {
        let with = |old, field| patched(old, [Directive::with("no_cache", field)]);
        assert_eq!(with("", "Set-Cookie"), r#"no-cache="Set-Cookie""#);
        assert_eq!(with("no-cache=Set-Cookie", "Link"), r#"no-cache="Set-Cookie, Link""#);
        assert_eq!(with("no-cache=a,no-cache=b", "c, A"), r#"no-cache="a, b, c""#);
        assert_eq!(with("no-cache", "Link"), "no-cache");
        assert_eq!(flagged("no-cache=Set-Cookie,no-cache=Link", "no_cache"), "no-cache");
    }

    #[test]
    fn order_and_unknown_directives_stay() {
        let old = r#"B, x="1, 2", A_b=3, ?, max-age=9"#;
        assert_eq!(
            flagged(old, "Must_Revalidate"),
            format!("{}, must-revalidate", "b, x=\"1, 2\", a_b=3, ?, max-age=9")
        );
        assert_eq!(flagged("a, open=\"x", "b"), "no-store, b");
        let open = [r#"a="x"#, r#"private, b=""#].map(HeaderValue::from_static);
        assert_eq!(patch(&open, []).unwrap(), "no-store");
    }

    #[test]
    fn never_writes_what_django_writes() {
        assert_eq!(patched("", never()), "max-age=0, no-cache, no-store, must-revalidate, private");
    }

    #[test]
    fn max_age_is_a_number_or_nothing() {
        let of = |line| max_age([&HeaderValue::from_static(line)]).map(|age| age.as_secs());
        assert_eq!(of("public, Max-Age=60"), Some(60));
        assert_eq!(of("max-age=\"60\""), Some(60));
        assert_eq!(of("max-age=x"), None);
        assert_eq!(of("s-maxage=60"), None);
    }
}
