//! The state that handlers use: built once per process and shared by all workers.

use actix_web::{HttpRequest, web};

use crate::cache::{Cache, Secret};
use crate::site::client::Proxies;
use crate::site::form::Deadlines;
use crate::site::host::Hosts;
use crate::site::jobs::Jobs;
use crate::sql::{Database, Freshness};

/// The shop's parts.
pub struct State {
    /// The database.
    pub db: Database,
    /// The cache.
    pub cache: Cache,
    /// The settings of this process.
    pub settings: Settings,
    /// The secret of the database, with which pages seal what they carry.
    pub secret: Secret,
    /// What runs in the background.
    pub jobs: Jobs,
}

impl State {
    /// Returns the state of the app that serves `request`.
    ///
    /// # Panics
    /// If the request belongs to another app: [`app`](crate::app::app) passes the state to all its own
    /// requests.
    pub fn of(request: &HttpRequest) -> &Self {
        request.app_data::<web::Data<Self>>().expect("the app has a state")
    }
}

/// The settings of the process, fixed at the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Products on a page, 1 to 1,000.
    pub page_size: u64,
    /// Which clients may write.
    pub access: Access,
    /// Which proxies report the client's address, and how.
    pub proxies: Proxies,
    /// Names and ports that requests may be for.
    pub hosts: Hosts,
    /// Which clients see the toolbar.
    pub toolbar: Toolbar,
    /// How long clients may take to send the bodies of their requests.
    pub bodies: Deadlines,
    /// How old the data of a page may be.
    pub freshness: Freshness,
}

/// Which clients may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// All clients on this machine, if no proxy stands between.
    Open,
    /// No client: the shop is reachable from other machines, and has no accounts.
    ReadOnly,
    /// Clients that are signed in, from any machine.
    Staff,
}

/// Which clients see what the cache and the database did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolbar {
    /// No client.
    Off,
    /// Clients on this machine, if no proxy stands between.
    Local,
    /// All clients.
    On,
}
