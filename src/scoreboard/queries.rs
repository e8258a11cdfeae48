//! The questions about the league, one function each.

use std::collections::HashMap;

use diesel::dsl::{count_star, max};
use diesel::prelude::*;

use super::keys::{MEMBERS, SCORES};
use super::model::{Member, MemberId, Sums};
use crate::db::Conn;
use crate::db::schema::{members, scores};
use crate::site::text::nfc;
use crate::versions::Snapshot;

/// Rows that are added at once: databases bound how many values a statement has.
const AT_ONCE: usize = 1_000;

/// The seasons that there are, newest first.
pub fn seasons(read: &mut Snapshot<'_>) -> QueryResult<Vec<i64>> {
    read.table(MEMBERS)?;
    let conn = read.table(SCORES)?;
    // Another program may leave scores without a member: a season of such scores only has nothing to show.
    let all = scores::table.inner_join(members::table);
    all.select(scores::season).distinct().order(scores::season.desc()).load(conn)
}

/// The last week of a season so far, and the sums of all who played in it: three questions, however many weeks
/// there are.
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
    // The names come along, so that the table is one state.
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

/// `SUM` of whole numbers is a decimal on Postgres; counted scores are added up from that.
fn by_member(conn: &mut Conn, season: i64) -> QueryResult<Vec<MemberSums>> {
    // How often a member had which score: at most eleven rows for each, whatever the number of weeks.
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

/// All members, by name.
pub fn members(read: &mut Snapshot<'_>) -> QueryResult<Vec<(MemberId, Member)>> {
    let conn = read.table(MEMBERS)?;
    let rows: Vec<(i64, String, String)> =
        members::table.order((members::name, members::id)).load(conn)?;
    let members = rows.into_iter();
    let members =
        members.map(|(id, name, favourite)| (MemberId::new(id), Member { name, favourite }));
    Ok(members.collect())
}

/// One member, if there is one.
pub fn find(read: &mut Snapshot<'_>, id: MemberId) -> QueryResult<Option<Member>> {
    get(read.row(MEMBERS, id.get())?, id)
}

/// [`find`], within a write.
pub fn get(conn: &mut Conn, id: MemberId) -> QueryResult<Option<Member>> {
    let columns = (members::name, members::favourite);
    let row: Option<(String, String)> =
        members::table.find(id.get()).select(columns).first(conn).optional()?;
    Ok(row.map(|(name, favourite)| Member { name, favourite }))
}

/// Makes `current` into `changes`; answers whether they still were as `current` says.
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

/// Whether nobody plays.
pub fn is_empty(conn: &mut Conn) -> QueryResult<bool> {
    let any: bool =
        diesel::select(diesel::dsl::exists(members::table.select(members::id))).get_result(conn)?;
    Ok(!any)
}

/// Keeps other writers out until the transaction ends.
pub fn lock(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        // A write transaction is alone already.
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(postgres) => {
            let lock = "LOCK TABLE members, scores IN SHARE ROW EXCLUSIVE MODE";
            diesel::sql_query(lock).execute(postgres).map(|_| ())
        }
    }
}

/// The number of the member of this name, which is in NFC, who is added where there is none; their favourite is this from now on,
/// where it is given.
pub fn member(conn: &mut Conn, name: &str, favourite: &str) -> QueryResult<i64> {
    // Names that were written by other programs may be in another form than `name`.
    let members: Vec<(i64, String)> =
        members::table.select((members::id, members::name)).order(members::id).load(conn)?;
    let known = members.into_iter().find(|(_, known)| nfc(known) == name).map(|(id, _)| id);
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

/// A score to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Insertable)]
#[diesel(table_name = scores)]
pub struct NewScore {
    /// Whose.
    pub member_id: i64,
    /// The year.
    pub season: i64,
    /// The week.
    pub week: i64,
    /// Guessed right.
    pub score: i64,
}

/// Adds scores, of which there are none yet for the same member, season and week.
pub fn insert(conn: &mut Conn, new: &[NewScore]) -> QueryResult<()> {
    for rows in new.chunks(AT_ONCE) {
        let insert = diesel::insert_into(scores::table).values(rows);
        // diesel cannot insert several rows on either database at once.
        match conn {
            Conn::Sqlite(sqlite) => insert.execute(sqlite)?,
            Conn::Postgres(postgres) => insert.execute(postgres)?,
        };
    }
    Ok(())
}

/// Deletes the score of a member's week, if there is one.
pub fn delete(conn: &mut Conn, of: &NewScore) -> QueryResult<()> {
    let same = scores::table
        .filter(scores::member_id.eq(of.member_id))
        .filter(scores::season.eq(of.season))
        .filter(scores::week.eq(of.week));
    diesel::delete(same).execute(conn).map(|_| ())
}
