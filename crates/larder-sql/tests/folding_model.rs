//! A model of stamps on Postgres: every order of the steps of writers and of instances that fold.
//!
//! - A writer inserts one row and then commits or rolls back. An instance folds at any time, or is killed meanwhile.
//! - Several instances fold at once, although one row excludes them: where it is missing, each deletes only rows that no
//!   other one deletes (`SKIP LOCKED`), and that alone must do.
//! - In every state a snapshot must give the stamp of exactly what is committed: its count, and the nonces combined.
//!   So folding changes no stamp and loses no change, and counts order the states.
//! - Each mutant folds in a way that looks right; the model must find what it loses.

use std::collections::{HashSet, VecDeque};

const WRITERS: usize = 3;
const INSTANCES: usize = 2;

/// How an instance folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    /// One statement deletes rows and adds what it has deleted to the totals.
    OneStatement,
    /// Sums what it sees, then deletes what it sees then.
    SumThenDelete,
    /// Sums what it sees, then deletes the rows up to the highest id that it has seen.
    SumThenDeleteUpToHighestId,
    /// Deletes in one transaction, and adds to the totals in another.
    TwoTransactions,
    /// Adds the rows that it sees to the totals, whether or not another instance deletes them at that time.
    Unlocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Writer {
    Idle,
    /// It has inserted its row, with this id, and not committed.
    Open(u8),
    Committed(u8),
    RolledBack,
}

/// A set of writers, one bit for each: as a set of rows, and as the combined nonces of these rows.
type Rows = u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Instance {
    Idle,
    /// Its transaction has begun.
    Begun,
    /// It has summed these rows in a statement of its own.
    Summed(Rows),
    /// Its transaction has added the first and deleted the second, and is not committed.
    Folded(Rows, Rows),
    /// It has committed a deletion, and the sum of it is still to be added.
    Owes(Rows),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    writers: [Writer; WRITERS],
    instances: [Instance; INSTANCES],
    /// The committed rows that no committed fold has deleted.
    changes: Rows,
    /// The committed totals: a count and the combined nonces.
    totals: (u32, Rows),
    next_id: u8,
}

impl State {
    fn start() -> Self {
        Self {
            writers: [Writer::Idle; WRITERS],
            instances: [Instance::Idle; INSTANCES],
            changes: 0,
            totals: (0, 0),
            next_id: 1,
        }
    }

    /// Returns the stamp that a snapshot gives now.
    fn stamp(&self) -> (u32, Rows) {
        (self.totals.0 + self.changes.count_ones(), self.totals.1 ^ self.changes)
    }

    /// Returns the stamp of what is committed.
    fn truth(&self) -> (u32, Rows) {
        let is_committed = |writer: &usize| matches!(self.writers[*writer], Writer::Committed(_));
        let committed = (0..WRITERS).filter(is_committed);
        let committed: Rows = committed.fold(0, |rows, writer| rows | 1 << writer);
        (committed.count_ones(), committed)
    }

    fn id(&self, writer: usize) -> u8 {
        match self.writers[writer] {
            Writer::Open(id) | Writer::Committed(id) => id,
            Writer::Idle | Writer::RolledBack => 0,
        }
    }

    fn up_to_highest_id(&self, summed: Rows) -> Rows {
        let within = |rows: Rows| (0..WRITERS).filter(move |writer| rows >> writer & 1 == 1);
        let highest = within(summed).map(|writer| self.id(writer)).max().unwrap_or(0);
        within(self.changes)
            .filter(|writer| self.id(*writer) <= highest)
            .fold(0, |rows, writer| rows | 1 << writer)
    }

    /// Returns the rows that transactions have deleted which are not committed: these hold the locks of the rows.
    fn deleted_by_others(&self) -> Rows {
        let deleted = self.instances.iter().map(|instance| match instance {
            Instance::Folded(_, deleted) => *deleted,
            _ => 0,
        });
        deleted.fold(0, |rows, deleted| rows | deleted)
    }

    fn add(&mut self, rows: Rows) {
        self.totals = (self.totals.0 + rows.count_ones(), self.totals.1 ^ rows);
    }

    /// Returns every state that one more step leads to.
    fn next(&self, fold: Fold) -> Vec<State> {
        let mut next = Vec::new();
        for writer in 0..WRITERS {
            self.write(writer, &mut next);
        }
        for instance in 0..INSTANCES {
            self.fold(instance, fold, &mut next);
        }
        next
    }

    fn write(&self, writer: usize, next: &mut Vec<State>) {
        let mut after = self.clone();
        match self.writers[writer] {
            Writer::Idle => {
                after.writers[writer] = Writer::Open(self.next_id);
                after.next_id += 1;
                next.push(after);
            }
            Writer::Open(id) => {
                let mut undone = after.clone();
                undone.writers[writer] = Writer::RolledBack;
                after.writers[writer] = Writer::Committed(id);
                after.changes |= 1 << writer;
                next.extend([after, undone]);
            }
            Writer::Committed(_) | Writer::RolledBack => {}
        }
    }

    fn fold(&self, number: usize, fold: Fold, next: &mut Vec<State>) {
        let mut after = self.clone();
        let instance = &mut after.instances[number];
        match self.instances[number] {
            Instance::Idle => {
                if self.changes != 0 {
                    *instance = Instance::Begun;
                    next.push(after);
                }
                return;
            }
            Instance::Begun => {
                let seen = match fold {
                    Fold::Unlocked => self.changes,
                    _ => self.changes & !self.deleted_by_others(),
                };
                *instance = match fold {
                    Fold::SumThenDelete | Fold::SumThenDeleteUpToHighestId => {
                        Instance::Summed(seen)
                    }
                    _ => Instance::Folded(seen, seen),
                };
            }
            Instance::Summed(summed) => {
                let deleted = match fold {
                    Fold::SumThenDeleteUpToHighestId => self.up_to_highest_id(summed),
                    _ => self.changes,
                };
                *instance = Instance::Folded(summed, deleted);
            }
            Instance::Folded(summed, deleted) => {
                let is_whole = fold != Fold::TwoTransactions;
                *instance = if is_whole { Instance::Idle } else { Instance::Owes(summed) };
                after.changes &= !deleted;
                if is_whole {
                    after.add(summed);
                }
            }
            Instance::Owes(summed) => {
                *instance = Instance::Idle;
                after.add(summed);
            }
        }
        next.push(after);
        // Killed: the server rolls its transaction back.
        if self.instances[number] != Instance::Idle {
            let mut killed = self.clone();
            killed.instances[number] = Instance::Idle;
            next.push(killed);
        }
    }
}

/// Goes through every state; returns their number, or the first whose stamp is wrong.
fn explore(fold: Fold) -> Result<usize, Box<State>> {
    let mut seen = HashSet::from([State::start()]);
    let mut next = VecDeque::from([State::start()]);
    while let Some(state) = next.pop_front() {
        if state.stamp() != state.truth() {
            return Err(Box::new(state));
        }
        next.extend(state.next(fold).into_iter().filter(|state| seen.insert(state.clone())));
    }
    Ok(seen.len())
}

#[test]
fn folding_changes_no_stamp_and_loses_no_change_in_any_order() {
    let states = explore(Fold::OneStatement).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert!(states > 1_000, "{states} states are not all of them");
}

#[test]
fn the_model_finds_the_row_that_commits_late() {
    for mutant in [Fold::SumThenDelete, Fold::SumThenDeleteUpToHighestId] {
        let lost = explore(mutant).expect_err("it loses a row");
        assert!(lost.stamp().0 < lost.truth().0, "{mutant:?}: {lost:?}");
    }
}

#[test]
fn the_model_finds_a_snapshot_between_deletion_and_sum() {
    let lost = explore(Fold::TwoTransactions).expect_err("a snapshot sees neither");
    assert!(lost.stamp().0 < lost.truth().0, "{lost:?}");
}

#[test]
fn the_model_finds_the_row_that_is_added_twice() {
    let twice = explore(Fold::Unlocked).expect_err("two instances add the same row");
    assert!(twice.stamp().0 > twice.truth().0, "{twice:?}");
}
