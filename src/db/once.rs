//! Forms that are sent twice: a double click, a slow line, a reload. They do once what they ask for.
//!
//! A form that adds something has a random field. The digest of the form is stored in the transaction that adds,
//! with the id of the new row. The same form, sent again, finds it there.

use diesel::prelude::*;
use larder_sql::db::Conn;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::schema::sent_forms::dsl::{digest, made_id, sent_at, sent_forms};

/// How long a form is recognised.
const KEPT: Duration = Duration::days(1);

/// The digest of a form that is done once; none for a client that sends no random field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Once(Option<String>);

impl Once {
    /// Wraps the digest of a form.
    pub fn of(form: Option<String>) -> Self {
        Self(form)
    }

    /// Adds a row with `make` and returns its id, or the id of the row that the same form has added before.
    ///
    /// # Errors
    /// Those of the database and of `make`: the transaction has to be rolled back then.
    pub fn run(
        &self,
        conn: &mut Conn,
        make: impl FnOnce(&mut Conn) -> QueryResult<i64>,
    ) -> QueryResult<i64> {
        let Some(form) = &self.0 else { return make(conn) };
        let now = OffsetDateTime::now_utc();
        let now = PrimitiveDateTime::new(now.date(), now.time());
        diesel::delete(sent_forms.filter(sent_at.lt(now - KEPT))).execute(conn)?;
        let row = (digest.eq(form), made_id.eq(0), sent_at.eq(now));
        let insert = diesel::insert_into(sent_forms).values(row);
        // Postgres waits here for a transaction that does the same form at this moment; SQLite runs one at a time.
        let is_new = match conn {
            Conn::Sqlite(sqlite) => insert.on_conflict_do_nothing().execute(sqlite)?,
            Conn::Postgres(postgres) => insert.on_conflict_do_nothing().execute(postgres)?,
        };
        if is_new == 0 {
            return sent_forms.find(form).select(made_id).first(conn);
        }
        let made = make(conn)?;
        diesel::update(sent_forms.find(form)).set(made_id.eq(made)).execute(conn)?;
        Ok(made)
    }
}
