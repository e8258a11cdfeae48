//! Records what a read depends on: first the stamps, then the caller reads the data, both in one transaction.

use larder_cache::Tag;
use larder_cache::tracking::{self, Dependencies};

use crate::driver::Driver;
use crate::table::Table;
use crate::{stamps, triggers};

/// Records that the current build reads `tags` of `table`, at the stamps that `driver` sees in its transaction.
///
/// Debug builds refuse a table that is not covered: its changes would go unseen.
pub async fn record<D: Driver>(driver: &mut D, table: Table, tags: &[Tag]) -> Result<(), D::Error> {
    if cfg!(debug_assertions) {
        check(driver, &[table]).await?;
    }
    if tracking::is_tracking() {
        let mut dependencies = Dependencies::default();
        for (tag, stamp) in stamps::of(driver, tags).await? {
            dependencies.add(tag, stamp);
        }
        tracking::record(&dependencies);
    }
    Ok(())
}

/// Checks that `tables` have the triggers that change their stamps.
///
/// # Errors
/// Those of the database; and a sentence that names the first table without them.
pub async fn check<D: Driver>(driver: &mut D, tables: &[Table]) -> Result<(), D::Error> {
    let checked = triggers::check_in(driver, tables).await?;
    checked.map_err(|missing| D::refusal(missing.0))
}
