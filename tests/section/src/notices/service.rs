//! The operations on notices, independent of HTTP and HTML.

use super::model::LIST;
use super::{keys, queries};
use crate::db::Conn;
use crate::db::once::Once;
use crate::error::AppError;
use crate::site::list::{Found, ListQuery, among};
use crate::site::time::Timestamp;
use crate::state::State;

/// Returns the rows of a page of the notices.
pub async fn find(state: &State, query: ListQuery, size: u64) -> Result<Found, AppError> {
    let load = async || Ok::<_, AppError>(state.db.read(queries::list).await?);
    let notices = state.cache.get_or_set(&keys::list(), &keys::LIST, load).await?;
    let rows = notices.iter().map(|notice| notice.row()).collect();
    Ok(among(&LIST, &query, size, rows))
}

/// Adds a notice once.
pub async fn create(state: &State, title: String, once: Once) -> Result<(), AppError> {
    let insert = move |conn: &mut Conn| {
        once.run(conn, |conn| queries::insert(conn, &title, Timestamp::now()))
    };
    state.db.write(insert).await?;
    Ok(())
}
