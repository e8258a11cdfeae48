//! What the tests are written with: a shop, its database, pages, visitors and other programs.

mod address;
mod backup;
mod bell;
mod caller;
mod certificates;
mod cluster;
mod database;
mod dice;
mod exposition;
mod figures;
mod haproxy;
mod html;
mod line;
mod message;
mod page;
mod pgbouncer;
mod postgres;
mod process;
mod proxy;
mod redis;
mod report;
mod request;
mod sentinels;
mod shelf;
mod shell;
mod site;
mod staff;
mod until;
mod upstream;
mod varnish;
mod visitor;
mod webdriver;

pub use address::address_of_its_own;
pub use bell::{Bell, Ringer};
pub use caller::Caller;
pub use certificates::Certificates;
pub use cluster::Cluster;
pub use database::{Database, TestDatabase, certificates_of_postgres};
pub use dice::Dice;
pub use exposition::Exposition;
pub use figures::Figures;
pub use haproxy::{HaProxy, complaints_about_the_file};
pub use html::{Tag, forms, tags};
pub use line::{Line, Trouble};
pub use page::Page;
pub use pgbouncer::PgBouncer;
pub use postgres::user;
pub use process::{
    Ended, Leash, Program, are_installed, find_program, free_port, lasting_port, leashed,
};
pub use proxy::{Hold, Proxy};
pub use redis::Redis;
pub use sentinels::Sentinels;
pub use shelf::{Shelf, Wrong};
pub use shell::OpenShell;
pub use site::{
    DEFAULT_REDIS_TIMEOUT, PASSWORD, Pending, TestSite, account, larder, larder_at, load,
    tries_account, without_settings,
};
pub use until::{PATIENCE, until};
pub use upstream::{Says, Upstream};
pub use varnish::{Varnish, is_stored};
pub use visitor::Visitor;
pub use webdriver::{Browser, Screen};

/// Generates two tests from each function `name`: `sqlite::name` and `postgres::name`.
///
/// The functions after `by_hand:` change the database in `sqlite3` or `psql` and need those
/// programs.
macro_rules! on_both_databases {
    (by_hand: $($hand:ident),+ $(,)?) => {
        $crate::support::on_both_databases!(; by_hand: $($hand),+);
    };
    ($($story:ident),* $(; by_hand: $($hand:ident),+)? $(,)?) => {
        mod sqlite {
            $crate::support::on_both_databases!(@tests Sqlite, $($story false,)* $($($hand true,)+)?);
        }
        mod postgres {
            $crate::support::on_both_databases!(@tests Postgres, $($story false,)* $($($hand true,)+)?);
        }
    };
    (@tests $database:ident, $($story:ident $by_hand:literal,)*) => {$(
        #[test]
        fn $story() {
            let database = $crate::support::Database::$database;
            if database.is_here($by_hand) {
                super::$story(database);
            }
        }
    )*};
}
pub(crate) use on_both_databases;
