//! The database queries of the league, one function each.

use std::collections::HashMap;

use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::keys::{MEMBERS, SCORES};
use super::model::{Member, MemberId, Sums};
use crate::db::Conn;
use crate::db::insert::insert_all;
use crate::db::schema::{members, scores};
use crate::site::words::fold;
use crate::sql::Snapshot;

/// Loads the seasons that have scores of known members, newest first.
pub fn seasons(read: &mut Snapshot<'_>) -> QueryResult<Vec<i64>> {
    read.table(MEMBERS)?;
    let conn = read.table(SCORES)?;
    // The join skips scores whose member is missing, which another program may leave behind in SQLite.
    let all = scores::table.inner_join(members::table);
    all.select(scores::season).distinct().order(scores::season.desc()).load(conn)
}

/// Loads the last week of a season that has scores, and the sums of every member who played.
///
/// The number of queries does not depend on the number of weeks or members.
pub fn sums(read: &mut Snapshot<'_>, season: i64) -> QueryResult<(i64, Vec<Sums>)> {
    read.table(MEMBERS)?;
    let conn = read.table(SCORES)?;
    let of_season = scores::table.filter(scores::season.eq(season));
    let of_members = of_season.inner_join(members::table);
    let week: Option<i64> = of_members.select(max(scores::week)).first(conn)?;
    let Some(week) = week else { return Ok((0, Vec::new())) };
    let last: Vec<(i64, i64)> = of_season
        .filter(scores::week.eq(week))
        .select((scores::member_id, scores::score))
        .load(conn)?;
    let last: HashMap<i64, i64> = last.into_iter().collect();
    // Read in the same snapshot, so that names and scores are consistent.
    let names: Vec<(i64, String, String)> =
        members::table.select((members::id, members::name, members::favourite)).load(conn)?;
    let mut names: HashMap<i64, (String, String)> =
        names.into_iter().map(|(id, name, favourite)| (id, (name, favourite))).collect();
    let sums = by_member(conn, season)?.into_iter().filter_map(|sums| {
        let (name, favourite) = names.remove(&sums.member)?;
        let last = last.get(&sums.member).copied();
        let MemberSums { weeks, total, best, worst, .. } = sums;
        Some(Sums { name, favourite, weeks, total, best, worst, last })
    });
    Ok((week, sums.collect()))
}

struct MemberSums {
    member: i64,
    weeks: i64,
    total: i64,
    best: i64,
    worst: i64,
}

/// Sums the scores of each member in a season.
///
/// It counts equal scores and adds up here, because `SUM` of `bigint` is a decimal in Postgres.
fn by_member(conn: &mut Conn, season: i64) -> QueryResult<Vec<MemberSums>> {
    // At most eleven rows for each member, one for each score from 0 to 10, whatever the number of weeks.
    let rows: Vec<(i64, i64, i64)> = scores::table
        .filter(scores::season.eq(season))
        .group_by((scores::member_id, scores::score))
        .select((scores::member_id, scores::score, count_star()))
        .load(conn)?;
    let mut sums: HashMap<i64, MemberSums> = HashMap::new();
    for (member, score, weeks) in rows {
        let sums = sums.entry(member).or_insert(MemberSums {
            member,
            weeks: 0,
            total: 0,
            best: score,
            worst: score,
        });
        sums.weeks += weeks;
        sums.total += score * weeks;
        sums.best = sums.best.max(score);
        sums.worst = sums.worst.min(score);
    }
    Ok(sums.into_values().collect())
}

/// Loads all members, ordered by name.
pub fn members(read: &mut Snapshot<'_>) -> QueryResult<Vec<(MemberId, Member)>> {
    let conn = read.table(MEMBERS)?;
    let rows: Vec<(i64, String, String)> =
        members::table.order((members::name, members::id)).load(conn)?;
    let members = rows.into_iter();
    let members =
        members.map(|(id, name, favourite)| (MemberId::new(id), Member { name, favourite }));
    Ok(members.collect())
}

/// Loads one member, or `None` if there is no such member.
pub fn find(read: &mut Snapshot<'_>, id: MemberId) -> QueryResult<Option<Member>> {
    get(read.row(MEMBERS, id.get())?, id)
}

/// Loads one member like [`find`], within a write transaction.
pub fn get(conn: &mut Conn, id: MemberId) -> QueryResult<Option<Member>> {
    let columns = (members::name, members::favourite);
    let row: Option<(String, String)> =
        members::table.find(id.get()).select(columns).first(conn).optional()?;
    Ok(row.map(|(name, favourite)| Member { name, favourite }))
}

/// Changes the member to `changes` if they still equal `current`; reports whether they did.
pub fn update(
    conn: &mut Conn,
    id: MemberId,
    current: &Member,
    changes: &Member,
) -> QueryResult<bool> {
    let unchanged = members::table
        .find(id.get())
        .filter(members::name.eq(&current.name))
        .filter(members::favourite.eq(&current.favourite));
    let set = (members::name.eq(&changes.name), members::favourite.eq(&changes.favourite));
    Ok(diesel::update(unchanged).set(set).execute(conn)? == 1)
}

/// Reports whether there are no members.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let any: bool =
        diesel::select(diesel::dsl::exists(members::table.select(members::id))).get_result(conn)?;
    Ok(!any)
}

/// Locks out other writers until the transaction ends.
pub fn lock(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        // SQLite runs one write transaction at a time.
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(postgres) => {
            let lock = "LOCK TABLE members, scores IN SHARE ROW EXCLUSIVE MODE";
            diesel::sql_query(lock).execute(postgres).map(|_| ())
        }
    }
}

/// Returns the first member of this name, if there is one.
pub fn named(conn: &mut Conn, name: &str) -> QueryResult<Option<i64>> {
    // Compared here and not in SQL: names that differ in Unicode form, case or invisible characters are one.
    let members: Vec<(i64, String)> =
        members::table.select((members::id, members::name)).order(members::id).load(conn)?;
    let name = fold(name);
    Ok(members.into_iter().find(|(_, known)| fold(known) == name).map(|(id, _)| id))
}

/// Returns the ID of the member with this name, which must be in NFC; adds the member if there is none.
///
/// A `favourite` that is not empty replaces the stored one.
pub fn member(conn: &mut Conn, name: &str, favourite: &str) -> QueryResult<i64> {
    let known = named(conn, name)?;
    if let (Some(id), true) = (known, favourite.is_empty()) {
        return Ok(id);
    }
    if let Some(id) = known {
        diesel::update(members::table.find(id))
            .set(members::favourite.eq(favourite))
            .execute(conn)?;
        return Ok(id);
    }
    diesel::insert_into(members::table)
        .values((members::name.eq(name), members::favourite.eq(favourite)))
        .returning(members::id)
        .get_result(conn)
}

/// A score to insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Insertable)]
#[diesel(table_name = scores)]
pub struct NewScore {
    /// The ID of the member.
    pub member_id: i64,
    /// The year of the season.
    pub season: i64,
    /// The week of the season, from 1.
    pub week: i64,
    /// The number of tastings that the member guessed.
    pub score: i64,
}

/// Inserts scores. None may exist yet for the same member, season and week.
pub fn insert(conn: &mut Conn, new: &[NewScore]) -> QueryResult<()> {
    insert_all!(conn, scores::table, new)
}

/// Deletes the stored score of the same member, season and week, if there is one.
pub fn delete(conn: &mut Conn, of: &NewScore) -> QueryResult<()> {
    let same = scores::table
        .filter(scores::member_id.eq(of.member_id))
        .filter(scores::season.eq(of.season))
        .filter(scores::week.eq(of.week));
    diesel::delete(same).execute(conn).map(|_| ())
}
