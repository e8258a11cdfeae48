//! The operations of the league, independent of HTTP and HTML.

use std::sync::Arc;

use super::fixture::Fixture;
use super::model::{self, Member, MemberId, Season};
use super::queries::{self, NewScore};
use super::{keys, sample};
use crate::db::{self, Conn, Db, QueryResult};
use crate::error::AppError;
use crate::site::list::{Found, ListQuery, among};
use crate::site::sheet::{Change, Edit};
use crate::sql::Database;
use crate::state::State;

/// Returns the seasons that have scores, newest first, from the cache.
pub async fn seasons(state: &State) -> Result<Arc<Vec<i64>>, AppError> {
    let load = async || Ok(state.db.read(queries::seasons).await?);
    state.cache.get_or_set(&keys::seasons(), &keys::SEASONS, load).await
}

/// Returns the table of a season from the cache.
///
/// It is cached until scores or members change, at most for a week.
pub async fn table(state: &State, season: i64) -> Result<Arc<Season>, AppError> {
    let load = async || {
        let (week, sums) = state.db.read(move |read| queries::sums(read, season)).await?;
        Ok(model::ranked(season, week, sums))
    };
    state.cache.get_or_set(&keys::table(season), &keys::TABLE, load).await
}

/// Returns the rows of a page of the members.
pub async fn find(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    let load = async || Ok::<_, AppError>(state.db.read(queries::members).await?);
    let members = state.cache.get_or_set(&keys::members(), &keys::PLAYERS, load).await?;
    let rows = members.iter().map(|(id, member)| member.row(*id)).collect();
    Ok(among(&model::MEMBERS, &query, size, rows))
}

/// Returns one member, or `None` if there is no such member.
pub async fn member(state: &State, id: MemberId) -> Result<Option<Member>, AppError> {
    Ok(state.db.read(move |read| queries::find(read, id)).await?)
}

/// Makes an edit of the member, merged with what changed since the client saw them.
///
/// If they are as typed already, as after a form that was sent twice, the outcome is [`Change::Done`].
pub async fn update(
    state: &State,
    id: MemberId,
    edit: Edit,
    changes: Member,
) -> Result<Change<Member>, AppError> {
    let write = state.db.write(move |conn| {
        queries::lock(conn)?;
        let Some(current) = queries::get(conn, id)? else { return Ok(Change::Gone) };
        // Compared here and not in SQL: what the form had shown comes from the client unvalidated, and may hold text
        // that a database refuses.
        let Some(keeps) = edit.merge(&current.values()) else {
            return Ok(Change::Conflict(current));
        };
        let merged = changes.merged(&current, &keeps);
        if merged == current {
            return Ok(Change::Done);
        }
        if queries::named(conn, &merged.name)?.is_some_and(|other| other != id.get()) {
            return Ok(Change::Taken);
        }
        Ok(match queries::update(conn, id, &current, &merged)? {
            true => Change::Done,
            false => Change::Conflict(current),
        })
    });
    Ok(write.await?)
}

/// Fills an empty league with the sample, and returns the number of added scores.
///
/// # Errors
/// The errors of the database; nothing is added then.
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

/// Adds these scores, either all or none. Existing scores of the same weeks are replaced.
///
/// # Errors
/// The errors of the database; nothing is added then.
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
