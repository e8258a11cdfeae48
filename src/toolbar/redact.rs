//! Removes secrets from a record before it is stored.
//!
//! - First by name: headers, parameters and binds, each where it is recorded.
//! - Then by value: a value that had a secret's name is removed from every other text of the record, such
//!   as keys, messages and URLs that repeat it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::record::{CacheNode, Outcome, Record};
use crate::db::binds::Bind;
use crate::site::secrets::{HIDDEN, hide};
use crate::site::words::words;

/// Shorter values are not treated as secrets, since they would match all over the record.
const SHORTEST: usize = 6;

/// Shorter words of a secret are not hidden by themselves.
const SHORTEST_WORD: usize = 4;

/// The values that had a secret's name.
#[derive(Debug, Default)]
pub struct Values(BTreeSet<String>);

impl Values {
    /// Adds a secret value, and each part of it: cookies and authorization schemes have several.
    pub fn add(&mut self, value: &str) {
        let parts = value.split([';', ' ', ',']).map(|part| {
            part.split_once('=').map_or(part, |(_, value)| value).trim_matches(['"', ' '])
        });
        for value in parts.chain([value]).filter(|value| value.len() >= SHORTEST) {
            // A search binds its words one by one; a list of cookies is no text that is searched for.
            let words = if value.contains([';', ',', '=']) { String::new() } else { words(value) };
            let words = words.split(' ').filter(|word| word.len() >= SHORTEST_WORD);
            self.0.extend(words.map(str::to_owned));
            let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            self.0.insert(escaped);
            let quoted = format!("{value:?}");
            self.0.insert(quoted[1..quoted.len() - 1].to_owned());
            self.0.insert(value.to_owned());
        }
    }

    /// Adds a secret bind, as it is printed.
    pub fn add_bind(&mut self, printed: &str) {
        match Bind::read(printed) {
            Bind::Text(text) => self.add(&text),
            _ => self.add(printed),
        }
    }

    /// Hides these values in the text.
    fn replace(&self, text: &mut String) {
        // Longer values first, since one value may be the beginning of another.
        let mut found: Vec<&String> = self.0.iter().filter(|value| text.contains(*value)).collect();
        found.sort_by_key(|value| Reverse(value.len()));
        for value in found {
            *text = text.replace(value, HIDDEN);
        }
    }
}

/// Hides `values`, and every value that follows a secret's name, in all texts of a record.
pub fn redact(record: &mut Record, values: &Values) {
    // The statement's secret literals are hidden already; `hide` would take its placeholders for values.
    record.sql.iter_mut().for_each(|statement| values.replace(&mut statement.sql));
    each_text(record, &mut |text| {
        values.replace(text);
        if let Cow::Owned(hidden) = hide(text) {
            *text = hidden;
        }
    });
}

fn each_text(record: &mut Record, see: &mut impl FnMut(&mut String)) {
    let Record { request, response, verdict, cache, values, sql, log, .. } = record;
    see(&mut request.path);
    let pairs = request.query.iter_mut().chain(&mut request.headers).chain(&mut response.headers);
    pairs.chain(&mut verdict.key).for_each(|(_, value)| see(value));
    let texts = [&mut response.location, &mut verdict.rule, &mut verdict.raw_key];
    texts.into_iter().flatten().for_each(&mut *see);
    see(&mut verdict.status_line);
    verdict.varies.iter_mut().for_each(&mut *see);
    cache.iter_mut().for_each(|node| each_text_of(node, see));
    values.iter_mut().for_each(|call| see(&mut call.key));
    for statement in sql {
        statement.binds.iter_mut().for_each(&mut *see);
        [&mut statement.error, &mut statement.for_key].into_iter().flatten().for_each(&mut *see);
    }
    log.iter_mut().for_each(|line| see(&mut line.message));
}

fn each_text_of(node: &mut CacheNode, see: &mut impl FnMut(&mut String)) {
    see(&mut node.raw_key);
    node.key.iter_mut().for_each(|(_, part)| see(part));
    if let Some(Err(why)) = &mut node.kept {
        see(why);
    }
    if let Outcome::Stale(why) | Outcome::Outage(why) | Outcome::Unreadable(why) = &mut node.outcome
    {
        see(why);
    }
    node.children.iter_mut().for_each(|child| each_text_of(child, see));
}
