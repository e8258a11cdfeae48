//! The state of a probe: requests so far, the answers to give, and when to stop.
//!
//! A type is read several times, once per *pass*:
//!
//! - An enum answers with another variant in each pass, until all have been seen.
//! - A leaf whose answer the type rejects (an empty string for a date) gets another answer.
//! - Inside a type that contains itself, options are none and lists are empty.
//! - A pass that is too long or too deep is cut off; the requests until then count.

use std::collections::HashMap;

use serde::de::{DeserializeOwned, Error as _, value::Error};

/// Most requests in one pass; far above what a hand-written type makes.
const MAX_STEPS: usize = 10_000;
/// Most structs and enums inside each other.
const MAX_DEPTH: usize = 64;
/// Most passes over one type; an enum needs one per variant.
const MAX_PASSES: usize = 1_000;

/// What is known about a type while it is being probed.
#[derive(Default)]
pub(super) struct Schema {
    /// The requests of all passes so far.
    text: String,
    /// The requests of this pass.
    line: String,
    steps: usize,
    /// Names of the structs and enums being read, outermost first; tuples have none.
    open: Vec<&'static str>,
    /// Enums in the order of their first request in this pass.
    met: Vec<Choice>,
    /// The variant that each enum shows in this pass.
    turns: HashMap<Choice, usize>,
    /// Leaves requested in this pass.
    leaves: usize,
    /// Leaves whose first answer was rejected, with the answer to give instead.
    answers: HashMap<usize, usize>,
    /// The number of possible answers for the latest leaf.
    last_choices: usize,
    /// Why bincode can never read this type.
    refusal: Option<String>,
}

/// An enum: its name and its variants.
type Choice = (&'static str, &'static [&'static str]);

/// Returns every request made while reading a `T`, or why bincode could not read one.
pub(super) fn of<T: DeserializeOwned>() -> Result<String, String> {
    let mut schema = Schema::default();
    for _ in 0..MAX_PASSES {
        schema.begin();
        let is_accepted = T::deserialize(&mut schema).is_ok();
        if let Some(reason) = schema.refusal {
            return Err(reason);
        }
        if !is_accepted && schema.try_another_answer() {
            continue;
        }
        schema.keep_line();
        if !schema.try_another_variant() {
            break;
        }
    }
    Ok(schema.text)
}

impl Schema {
    /// Records a request; fails when the pass is too long or too deep.
    pub(super) fn note(&mut self, asked: &str) -> Result<(), Error> {
        self.steps += 1;
        self.line.push_str(asked);
        if self.steps > MAX_STEPS || self.open.len() > MAX_DEPTH {
            return Err(Error::custom("long enough"));
        }
        Ok(())
    }

    /// Records the request of a leaf and returns which of its `choices` answers it gets.
    pub(super) fn leaf(&mut self, asked: &str, choices: usize) -> Result<usize, Error> {
        self.note(asked)?;
        self.line.push(',');
        self.last_choices = choices;
        let answer = self.answers.get(&self.leaves).copied().unwrap_or(0);
        self.leaves += 1;
        Ok(answer.min(choices - 1))
    }

    /// Reads the contents of a named type, recorded in brackets.
    pub(super) fn within<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.open.push(name);
        self.note("(")?;
        let value = read(self);
        self.line.push(')');
        self.open.pop();
        value
    }

    /// Reports whether a type that is being read contains itself.
    pub(super) fn is_recursing(&self) -> bool {
        let open = &self.open;
        (1..open.len()).any(|last| !open[last].is_empty() && open[..last].contains(&open[last]))
    }

    /// Returns the variant that an enum shows now: another in each pass, another inside itself.
    pub(super) fn variant(&mut self, choice: Choice) -> Option<usize> {
        let (name, variants) = choice;
        if !self.met.contains(&choice) {
            self.met.push(choice);
        }
        let turn = *self.turns.entry(choice).or_default();
        let nested = self.open.iter().filter(|open| **open == name).count();
        (turn + nested).checked_rem(variants.len())
    }

    /// Gives up: bincode cannot read what was requested.
    pub(super) fn refuse(&mut self, reason: &str) -> Error {
        self.refusal = Some(reason.to_owned());
        Error::custom(reason)
    }

    fn begin(&mut self) {
        self.line.clear();
        self.open.clear();
        self.met.clear();
        self.steps = 0;
        self.leaves = 0;
    }

    /// Reports whether the leaf at which this pass ended has an untried answer.
    fn try_another_answer(&mut self) -> bool {
        let Some(last) = self.leaves.checked_sub(1) else {
            return false;
        };
        let answer = self.answers.entry(last).or_default();
        *answer += 1;
        *answer < self.last_choices && self.steps <= MAX_STEPS && self.open.len() <= MAX_DEPTH
    }

    fn keep_line(&mut self) {
        self.text.push_str(&self.line);
        self.text.push('\n');
        self.answers.clear();
    }

    /// Advances the latest enum that still has an unseen variant.
    ///
    /// Inner enums are exhausted first: a new variant of the outer one may hide them.
    fn try_another_variant(&mut self) -> bool {
        for choice in self.met.iter().rev() {
            let turn = self.turns.entry(*choice).or_default();
            if *turn + 1 < choice.1.len() {
                *turn += 1;
                return true;
            }
        }
        false
    }
}
