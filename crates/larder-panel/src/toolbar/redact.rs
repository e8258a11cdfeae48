//! Removes secrets from a record before it is stored.
//!
//! - First by name: headers, parameters and binds, each where it is recorded.
//! - Then by value: a value that had a secret's name is removed from every other text of the record, such
//!   as keys, messages and URLs that repeat it. Only letters and digits are compared, since each of these texts spells
//!   the others in its own way.
//! - Texts are cut only afterwards: of a secret that was cut no form would be found.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match, MatchKind};

use super::record::{CacheNode, Outcome, Record};
use super::room::short;
use crate::secrets::{HIDDEN, bare, decoded, hide, is_named, places, without};
use crate::sql::text_of;

/// Shorter values are not treated as secrets, since they would match all over the record.
const SHORTEST: usize = 6;

/// Shorter words of a secret are not hidden by themselves.
const SHORTEST_WORD: usize = 4;

/// Bytes of all forms of all secrets. If a request has more, all texts of its record are hidden.
const LARGEST: usize = 64 << 10;

/// The longest text, statement and bind that are stored, in characters.
const LONGEST: usize = 1_000;
const LONGEST_SQL: usize = 4_000;
const LONGEST_BIND: usize = 200;

/// The values that had a secret's name.
#[derive(Debug)]
pub struct Values {
    /// Splits a text into the words by which the application searches.
    words: fn(&str) -> String,
    /// Their letters and digits ([`bare`]), and those of their words, which searches bind one by one.
    forms: BTreeSet<Vec<u8>>,
    /// Values of few letters and digits, as they are.
    odd: BTreeSet<Vec<u8>>,
    bytes: usize,
    is_full: bool,
}

impl Values {
    /// Creates the values of a request to an application that searches by these words.
    pub fn new(words: fn(&str) -> String) -> Self {
        Self { words, forms: BTreeSet::new(), odd: BTreeSet::new(), bytes: 0, is_full: false }
    }

    /// Adds a secret value.
    pub fn add(&mut self, value: &str) {
        // Checked first, so that a header of 100 KB costs nothing.
        self.is_full |= self.bytes + value.len() > LARGEST;
        if self.is_full || value.len() < SHORTEST {
            return;
        }
        let plain = decoded(&value.replace('+', " ")).unwrap_or_default();
        if !self.add_form(value, SHORTEST) {
            self.odd.extend([value.as_bytes().to_owned(), plain.as_bytes().to_owned()]);
            self.odd.retain(|value| value.len() >= SHORTEST);
            self.bytes += 2 * value.len();
        }
        for word in (self.words)(&plain).split(' ') {
            self.add_form(word, SHORTEST_WORD);
        }
    }

    /// Adds the letters and digits of a text, if it has so many.
    fn add_form(&mut self, text: &str, shortest: usize) -> bool {
        let (form, _) = bare(text);
        let (length, is_long) = (form.len(), form.len() >= shortest);
        if is_long && self.forms.insert(form) {
            self.bytes += length;
        }
        is_long
    }

    /// Adds the secret value of a header, and each of its parts: cookies and credentials have several.
    pub fn add_header(&mut self, name: &str, value: &str) {
        let value_of = |part: &str| {
            let value = part.split_once('=').map_or(part, |(_, value)| value);
            value.trim_matches(['"', ' ']).to_owned()
        };
        let cookies = value.split(';').map(value_of);
        match name {
            "cookie" => cookies.for_each(|value| self.add(&value)),
            // The attributes of a cookie are no secrets.
            "set-cookie" => cookies.take(1).for_each(|value| self.add(&value)),
            _ => {
                self.add(value);
                for part in value.split([' ', ',', ';']) {
                    self.add(part);
                    self.add(&value_of(part));
                }
            }
        }
    }

    /// Adds a secret bind, as it is printed.
    pub fn add_bind(&mut self, printed: &str) {
        self.add(&text_of(printed));
    }

    /// Hides what follows the name of a secret in a text, and adds it.
    pub fn hide<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        places(text).into_iter().for_each(|place| self.add(&text[place]));
        hide(text)
    }

    /// Returns the function that hides these values in a text.
    fn hider(&self) -> impl Fn(&mut String) {
        let (forms, odd, is_full) = (finder(&self.forms), finder(&self.odd), self.is_full);
        move |text| {
            if is_full {
                HIDDEN.clone_into(text);
            }
            if let Some(odd) = &odd {
                *text = without(text, odd.find_iter(&*text).map(|found| found.range()));
            }
            if let Some(forms) = &forms {
                let (letters, places) = bare(text);
                let place = |found: Match| places[found.start()].start..places[found.end() - 1].end;
                *text = without(text, forms.find_iter(&letters).map(place));
            }
        }
    }
}

/// Returns what finds any of these forms; `None` if there are none.
fn finder(forms: &BTreeSet<Vec<u8>>) -> Option<AhoCorasick> {
    let finder = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(forms);
    (!forms.is_empty()).then(|| finder.expect("only forms of gigabytes are too many"))
}

/// Hides `values`, and every value that follows a secret's name, in all texts of a record, and cuts long ones.
pub fn redact(record: &mut Record, values: &Values) {
    let hide_values = values.hider();
    // Without `hide`: secrets in the statement are hidden by their columns already, and its placeholders are none.
    // Those in the fields of the log are hidden by the names of the fields.
    let statements = record.sql.iter_mut().map(|statement| &mut statement.sql);
    statements.chain(record.log.iter_mut().map(|line| &mut line.message)).for_each(&hide_values);
    // A search binds the words of its text one by one.
    for ran in &mut record.sql {
        let told = ran.binds.concat();
        let mut shown = told.clone();
        hide_values(&mut shown);
        if shown != told {
            ran.binds.iter_mut().for_each(|bind| HIDDEN.clone_into(bind));
        }
    }
    each_text(record, &mut |text, longest| {
        hide_values(text);
        if let Cow::Owned(hidden) = hide(text) {
            *text = hidden;
        }
        if text.len() > longest {
            *text = short(text, longest);
        }
    });
    record.sql.iter_mut().for_each(|ran| ran.sql = short(&ran.sql, LONGEST_SQL));
    record.log.iter_mut().for_each(|line| line.message = short(&line.message, LONGEST));
}

fn each_text(record: &mut Record, see: &mut impl FnMut(&mut String, usize)) {
    let Record { request, response, verdict, cache, values, sql, waits, .. } = record;
    let names = request.query.iter_mut().chain(&mut request.form).map(|(name, _)| name);
    names.chain([&mut request.path, &mut request.method]).for_each(|text| see(text, LONGEST));
    response.errors.iter_mut().for_each(|error| see(error, LONGEST));
    let pairs = request.query.iter_mut().chain(&mut request.form);
    let pairs = pairs.chain(&mut request.headers).chain(&mut response.headers);
    pairs.for_each(|(_, value)| see(value, LONGEST));
    let texts = [&mut response.location, &mut verdict.rule];
    texts.into_iter().flatten().for_each(|text| see(text, LONGEST));
    request.body.iter_mut().for_each(|(kind, _)| see(kind, LONGEST));
    // Keys are names of entries, which no longer would be if they were cut.
    let texts = verdict.raw_key.iter_mut().chain(&mut verdict.varies);
    texts.chain([&mut verdict.status_line]).for_each(|text| see(text, usize::MAX));
    each_part(&mut verdict.key, see);
    cache.iter_mut().for_each(|node| each_text_of(node, see));
    values.iter_mut().for_each(|call| see(&mut call.key, usize::MAX));
    let keys = waits.iter_mut().filter_map(|wait| wait.for_key.as_mut());
    keys.for_each(|key| see(key, usize::MAX));
    for statement in sql {
        statement.binds.iter_mut().for_each(|bind| see(bind, LONGEST_BIND));
        statement.error.iter_mut().for_each(|error| see(error, LONGEST));
        statement.for_key.iter_mut().for_each(|key| see(key, usize::MAX));
    }
}

fn each_text_of(node: &mut CacheNode, see: &mut impl FnMut(&mut String, usize)) {
    see(&mut node.raw_key, usize::MAX);
    each_part(&mut node.key, see);
    if let Some(Err(why)) = &mut node.kept {
        see(why, LONGEST);
    }
    if let Outcome::Stale(why) | Outcome::Outage(why) | Outcome::Unreadable(why) = &mut node.outcome
    {
        see(why, LONGEST);
    }
    node.children.iter_mut().for_each(|child| each_text_of(child, see));
}

/// Hides the parts of a key that have a secret's name, and sees the others.
fn each_part(key: &mut [(String, String)], see: &mut impl FnMut(&mut String, usize)) {
    for (name, part) in key {
        match is_named(name) {
            true => HIDDEN.clone_into(part),
            false => see(part, usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hidden(secret: &str, text: &str) -> String {
        let mut values = Values::new(|text| text.to_lowercase());
        values.add(secret);
        let mut text = text.to_owned();
        values.hider()(&mut text);
        text
    }

    #[test]
    fn a_secret_is_hidden_in_every_spelling() {
        let cases = [
            ("%41AA%2BBBB", "q=AAA BBB&b", "q=…&b"),
            ("AAA+BBB", "q=AAA%20bbb", "q=…"),
            ("aaa-bbb", r#"["aaa"* "bbb"*]"#, r#"["…"*]"#),
            ("a\"b\"cdef", r#""a\"b\"cdef""#, r#""…""#),
            ("!#$%&/=?", "(!#$%&/=?)", "(…)"),
            ("walnut almond", "an almond, Walnuts", "an …, …s"),
            ("short", "short", "short"),
            // A byte that is a part of another character.
            ("%A9walnut", "\u{e9}walnut", "…"),
        ];
        for (secret, text, expected) in cases {
            assert_eq!(hidden(secret, text), expected, "{secret}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_searched(secret in "(%C3|%A9|é|a|b|%|\\\\u00e9|[ +!]){0,12}", text in "(é|©|a|b|%C3|[ +!]){0,20}") {
            hidden(&secret, &text);
        }
    }
}
