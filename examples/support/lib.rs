//! What the tests of the applications share.

pub mod browser;
pub mod fronts;
pub mod postgres;
#[path = "../../crates/larder-sql/src/front/recorder.rs"]
pub mod recorder;
pub mod sqlite;
#[path = "../../tests/app/support/until.rs"]
pub mod until;
