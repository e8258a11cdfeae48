//! The schema of a Postgres database as one number.
//!
//! It changes where rows may have changed without a trigger.
//!
//! - A table that is rewritten, as by `ALTER COLUMN … USING`, gets another file. A trigger that is
//!   disabled, enabled, dropped or created has another row in the catalog. So has a table with
//!   another column or setting, and a column that is renamed or dropped.
//! - Not seen: `session_replication_role`, a change of `cache_trigger` itself, of row security
//!   policies, and changes of rows through other tables, such as another child of an inherited one.
//!   See `docs/guide/limits.md`.
//! - It costs about three times as much as the query for stamps, so it runs twice a second, along
//!   with that query. SQLite has such a number of its own, `PRAGMA schema_version`.

use std::time::{Duration, Instant};

use crate::driver::{Driver, literals, number};
use crate::stamps::Schema;
use crate::table::Table;

/// How long a change may go unnoticed.
const CHECK: Duration = Duration::from_millis(500);

/// Selects the schema of the tables that are named before it.
const QUESTION: &str = "\
    SELECT '', coalesce(bit_xor(hashtextextended(concat_ws(' ', id, version, file), 0)), 0), 0::bigint FROM ( \
      SELECT c.oid AS id, c.xmin AS version, c.relfilenode::text AS file \
      FROM watched JOIN pg_class c ON c.oid = watched.id \
      UNION ALL \
      SELECT t.oid, t.xmin, 'trigger' FROM watched JOIN pg_trigger t ON t.tgrelid = watched.id \
      UNION ALL \
      SELECT a.attrelid, a.xmin, a.attname || a.attnum FROM watched \
      JOIN pg_attribute a ON a.attrelid = watched.id AND a.attnum > 0 \
      UNION ALL \
      SELECT i.inhrelid, i.xmin, 'partition' FROM watched JOIN pg_inherits i ON i.inhparent = watched.id \
    ) AS parts";

/// The schema as it was last read.
pub(super) struct Watch {
    question: String,
    seen: Option<(Instant, Schema)>,
}

impl Watch {
    /// Watches these tables and those derived from them.
    pub fn of(tables: &[Table]) -> Self {
        let names = |table: &Table| std::iter::once(table.name()).chain(table.derived().to_vec());
        let names = literals(tables.iter().flat_map(names));
        let watched = format!(
            "WITH watched AS (SELECT to_regclass(name)::oid AS id FROM unnest(ARRAY[{names}]::text[]) AS name)"
        );
        Self { question: format!("{watched} {QUESTION}"), seen: None }
    }

    /// Returns the schema as `driver` sees it now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ask<D: Driver>(&self, driver: &mut D) -> Result<Schema, D::Error> {
        Ok(Schema(number(driver, &self.question, &[]).await?))
    }

    /// Returns the schema, read again if that is due, and whether it has changed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn look<D: Driver>(&mut self, driver: &mut D) -> Result<(Schema, bool), D::Error> {
        if let Some((asked, schema)) = self.seen
            && asked.elapsed() < CHECK
        {
            return Ok((schema, false));
        }
        // Taken before the query: a change while it runs may or may not be in the answer.
        let asked = Instant::now();
        let schema = self.ask(driver).await?;
        let before = self.seen.replace((asked, schema));
        Ok((schema, before.is_none_or(|(_, before)| before != schema)))
    }
}
