//! What the schema of a Postgres database is, as one number: it moves where rows may have changed without a
//! trigger.
//!
//! - A table that is rewritten, as by `ALTER COLUMN … USING`, gets another file. A trigger that is disabled,
//!   enabled, dropped or made has another row in the catalog. So has a table with another column or a setting.
//! - Not seen: `session_replication_role`, a change of `cache_trigger` itself, of row security policies, and what
//!   changes rows by way of other tables, such as another child of an inherited one. See README.
//! - It costs about three times what the question for stamps does, and so it is asked twice a second, with a
//!   question that is asked anyway. SQLite has such a number of its own, `PRAGMA schema_version`.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::Table;
use super::stamps::Schema;

/// How long a change may go unnoticed.
const CHECK: Duration = Duration::from_millis(500);

const QUESTION: &str = "\
    WITH watched AS (SELECT to_regclass(name)::oid AS id FROM unnest($1) AS name) \
    SELECT coalesce(bit_xor(hashtextextended(concat_ws(' ', id, version, file), 0)), 0) AS number FROM ( \
      SELECT c.oid AS id, c.xmin AS version, c.relfilenode AS file \
      FROM watched JOIN pg_class c ON c.oid = watched.id \
      UNION ALL \
      SELECT t.oid, t.xmin, 0 FROM watched JOIN pg_trigger t ON t.tgrelid = watched.id \
    ) AS parts";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The schema as it was seen last.
pub(super) struct Watch {
    tables: Vec<&'static str>,
    seen: Option<(Instant, Schema)>,
}

impl Watch {
    /// Of these tables, and those derived from them.
    pub fn of(tables: &[Table]) -> Self {
        let names = |table: &Table| std::iter::once(table.name()).chain(table.derived().to_vec());
        Self { tables: tables.iter().flat_map(names).collect(), seen: None }
    }

    /// Returns the schema, which is asked for where that is due; and whether it is another than before.
    ///
    /// # Errors
    /// Those of the database.
    pub fn look(&mut self, conn: &mut PgConnection) -> QueryResult<(Schema, bool)> {
        if let Some((asked, schema)) = self.seen
            && asked.elapsed() < CHECK
        {
            return Ok((schema, false));
        }
        // Counted from before the question: what happens while it is asked may be in the answer or not.
        let asked = Instant::now();
        let question = diesel::sql_query(QUESTION).bind::<Array<Text>, _>(&self.tables);
        let schema = Schema(question.get_result::<Answer>(conn)?.number);
        let before = self.seen.replace((asked, schema));
        Ok((schema, before.is_none_or(|(_, before)| before != schema)))
    }
}
