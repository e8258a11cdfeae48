//! What can be done with the league. Knows neither HTTP nor HTML.

use std::sync::Arc;

use super::fixture::Fixture;
use super::model::{self, Member, MemberId, Season};
use super::queries::{self, NewScore};
use super::{keys, sample};
use crate::db::{self, Conn, Db, QueryResult};
use crate::error::AppError;
use crate::site::shelf::{Found, Thing};
use crate::site::text::fold;
use crate::state::State;
use crate::versions::Database;

/// The seasons that there are, newest first.
pub async fn seasons(state: &State) -> Result<Arc<Vec<i64>>, AppError> {
    let load = async || Ok(state.db.read(queries::seasons).await?);
    state.cache.get_or_set(&keys::seasons(), &keys::SEASONS, load).await
}

/// The table of a season: computed once, then kept until scores or members change, or a week is over.
pub async fn table(state: &State, season: i64) -> Result<Arc<Season>, AppError> {
    let load = async || {
        let (week, sums) = state.db.read(move |read| queries::sums(read, season)).await?;
        Ok(model::ranked(season, week, sums))
    };
    state.cache.get_or_set(&keys::table(season), &keys::TABLE, load).await
}

/// What staff find of it: members whose name holds the search.
pub async fn find(state: &State, search: String) -> Result<Found, AppError> {
    let load = async || Ok::<_, AppError>(state.db.read(queries::members).await?);
    let members = state.cache.get_or_set(&keys::members(), &keys::PLAYERS, load).await?;
    let search = fold(&search);
    let found = members.iter().filter(|(_, member)| fold(&member.name).contains(&search));
    let things: Vec<Thing> = found
        .map(|(id, member)| Thing {
            name: member.name.clone(),
            note: member.favourite.clone(),
            at: format!("/scoreboard/members/{id}/edit"),
        })
        .collect();
    Ok(Found::of(things))
}

/// One member, if there is one.
pub async fn member(state: &State, id: MemberId) -> Result<Option<Member>, AppError> {
    Ok(state.db.read(move |read| queries::find(read, id)).await?)
}

/// What came of a change to a member that somebody had looked at.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// It was done.
    Done,
    /// It was not: they are another meanwhile, or gone.
    Conflict(Option<Member>),
}

/// Makes the member into `changes`, if they are still as `seen`.
pub async fn update(
    state: &State,
    id: MemberId,
    seen: Member,
    changes: Member,
) -> Result<Change, AppError> {
    let write = state.db.write(move |conn| {
        let current = queries::get(conn, id)?;
        if current.as_ref() == Some(&changes) {
            return Ok(Change::Done);
        }
        // Compared here first: what a form says it has seen may be any text, and reaches no database.
        if current.as_ref() == Some(&seen) && queries::update(conn, id, &seen, &changes)? {
            return Ok(Change::Done);
        }
        Ok(Change::Conflict(current))
    });
    Ok(write.await?)
}

/// Fills an empty league with the sample; answers how many scores there are then.
///
/// # Errors
/// Those of the database; the league is as empty as before then.
pub async fn fill_if_empty(db: &Database) -> Result<usize, db::Error> {
    db.write(|conn| {
        queries::lock(conn)?;
        if !queries::is_empty(conn)? {
            return Ok(0);
        }
        let mut scores = Vec::new();
        for (place, member) in sample::members().enumerate() {
            let member_id = queries::member(conn, &member.name, member.favourite)?;
            scores.extend(sample::scores(place).map(|(season, week, score)| NewScore {
                member_id,
                season,
                week,
                score,
            }));
        }
        queries::insert(conn, &scores)?;
        Ok(scores.len())
    })
    .await
}

/// Adds these scores, all or none; one that there is already is replaced.
///
/// # Errors
/// Those of the database.
pub fn load(db: &Db, fixture: &Fixture) -> Result<(), db::Error> {
    db.write_now(|conn| {
        queries::lock(conn)?;
        let scores = fixture.scores.iter().map(|score| {
            let member_id = queries::member(conn, &score.member, &score.favourite)?;
            let (season, week) = (fixture.season, score.week);
            Ok(NewScore { member_id, season, week, score: score.score })
        });
        let scores = scores.collect::<QueryResult<Vec<_>>>()?;
        replace(conn, &scores)
    })
}

fn replace(conn: &mut Conn, scores: &[NewScore]) -> QueryResult<()> {
    scores.iter().try_for_each(|score| queries::delete(conn, score))?;
    queries::insert(conn, scores)
}
