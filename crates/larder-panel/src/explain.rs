//! A panel that explains the statements of larder-sql's adapter.

use larder_sql::Database;
use larder_sql::db::binds::Bind;
use larder_sql::db::explain::can_be_explained;

use crate::panel::Panel;

impl Panel {
    /// Lets the panel explain statements of this database, and takes the names of tags from its tables.
    #[must_use]
    pub fn database(self, database: &Database) -> Self {
        let (named, explained) = (database.clone(), database.clone());
        self.tags(move |name| named.tags_named(name)).explain(move |sql, binds, runs| {
            let database = explained.clone();
            Box::pin(async move { explain(&database, sql, &binds, runs).await })
        })
    }
}

async fn explain(
    database: &Database,
    sql: String,
    binds: &[String],
    runs: bool,
) -> Result<Vec<String>, String> {
    let binds = explainable(&sql, binds)?;
    database.explain(sql, binds, runs).await.map_err(|error| {
        tracing::warn!(%error, "a statement could not be explained");
        "The database cannot explain this statement.".to_owned()
    })
}

/// Returns the values of a statement, or why it cannot be explained.
fn explainable(sql: &str, binds: &[String]) -> Result<Vec<Bind>, &'static str> {
    if !can_be_explained(sql) || sql.ends_with('…') {
        return Err("Only a whole SELECT is explained.");
    }
    let binds: Vec<Bind> = binds.iter().map(|bind| Bind::read(bind)).collect();
    if binds.iter().any(|bind| matches!(bind, Bind::Opaque(_))) {
        return Err("One of its values cannot be bound again: only numbers and strings can.");
    }
    Ok(binds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_select_is_explained() {
        let ask = |sql: &str, bind: &str| explainable(sql, &[bind.to_owned()]).is_ok();
        assert!(ask("SELECT ?", "7"));
        assert!(!ask("DELETE FROM a", "7") && !ask("SELECT ?…", "7"));
        assert!(!ask("SELECT ?", "2026-01-01 0:00"));
    }
}
