//! Takes secrets out of a record before it is remembered.
//!
//! - By name first: headers, parameters and binds, each where it is recorded.
//! - Then, whatever went by such a name is taken out of every other text of the record: keys, messages,
//!   addresses that repeat it.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::record::{CacheNode, Outcome, Record};
use crate::db::binds::Bind;
use crate::site::secrets::{HIDDEN, hide};

/// Shorter values are no secrets worth the name, and would be found all over the record.
const SHORTEST: usize = 6;

/// What went by the name of a secret.
#[derive(Debug, Default)]
pub struct Values(BTreeSet<String>);

impl Values {
    /// Something that goes by the name of a secret; also each part of it, as of cookies and of schemes.
    pub fn add(&mut self, value: &str) {
        let parts = value.split([';', ' ', ',']).map(|part| {
            part.split_once('=').map_or(part, |(_, value)| value).trim_matches(['"', ' '])
        });
        for value in parts.chain([value]).filter(|value| value.len() >= SHORTEST) {
            let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            self.0.insert(escaped);
            let quoted = format!("{value:?}");
            self.0.insert(quoted[1..quoted.len() - 1].to_owned());
            self.0.insert(value.to_owned());
        }
    }

    /// A bind that is a secret, as it is printed.
    pub fn add_bind(&mut self, printed: &str) {
        match Bind::read(printed) {
            Bind::Text(text) => self.add(&text),
            _ => self.add(printed),
        }
    }

    /// The text without these values.
    fn replace(&self, text: &mut String) {
        // Long ones first: one may be the beginning of another.
        let mut found: Vec<&String> = self.0.iter().filter(|value| text.contains(*value)).collect();
        found.sort_by_key(|value| Reverse(value.len()));
        for value in found {
            *text = text.replace(value, HIDDEN);
        }
    }
}

/// Takes `values`, and whatever follows the name of a secret, out of every text of a record.
pub fn redact(record: &mut Record, values: &Values) {
    // A statement names places, not values: what is secret of it was taken out where it was read.
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
