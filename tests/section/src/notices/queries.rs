//! The database queries of the notices.

use diesel::prelude::*;
use time::PrimitiveDateTime;

use super::keys::NOTICES;
use super::model::{Notice, NoticeId};
use crate::db::Conn;
use crate::db::schema::notices;
use crate::site::time::Timestamp;
use crate::sql::Snapshot;

/// Loads all notices.
pub fn list(read: &mut Snapshot<'_>) -> QueryResult<Vec<Notice>> {
    let conn = read.table(NOTICES)?;
    let all = notices::table.order(notices::id.desc());
    let rows: Vec<(i64, String, PrimitiveDateTime)> = all.load(conn)?;
    let rows = rows.into_iter();
    let notice = |(id, title, at): (i64, String, PrimitiveDateTime)| Notice {
        id: NoticeId::new(id),
        title,
        created_at: at.into(),
    };
    Ok(rows.map(notice).collect())
}

/// Adds a notice and returns its id.
pub fn insert(conn: &mut Conn, title: &str, now: Timestamp) -> QueryResult<i64> {
    diesel::insert_into(notices::table)
        .values((notices::title.eq(title), notices::created_at.eq(now.to_primitive())))
        .returning(notices::id)
        .get_result(conn)
}
