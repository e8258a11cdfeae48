//! What a handler may hold. Built once per process, shared by all workers.

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use crate::cache::Cache;
use crate::cache::stats::Stats;
use crate::site::client::Proxies;
use crate::site::form::Deadlines;
use crate::site::host::Hosts;
use crate::versions::Database;

/// The shop's parts.
pub struct State {
    /// The data.
    pub db: Database,
    /// What is remembered of it.
    pub cache: Cache,
    /// What the cache was asked since the start.
    pub stats: Arc<Stats>,
    /// What was decided at the start.
    pub settings: Settings,
}

impl State {
    /// Returns the state of the app that serves `request`.
    ///
    /// # Panics
    /// If the request belongs to another app: [`app`](crate::app::app) hands the state to all of its own.
    pub fn of(request: &HttpRequest) -> &Self {
        request.app_data::<web::Data<Self>>().expect("the app has a state")
    }
}

/// What was decided at the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Products on a page, 1 to 1,000.
    pub page_size: u64,
    /// Who may write.
    pub access: Access,
    /// Which proxies say where a request comes from, and how.
    pub proxies: Proxies,
    /// Names and ports that requests may be for.
    pub hosts: Hosts,
    /// Who gets to see what the cache and the database did.
    pub toolbar: Toolbar,
    /// How long clients may take for the bodies of their requests.
    pub bodies: Deadlines,
}

/// Who may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody on this machine, where no proxy stands between.
    Open,
    /// Nobody: the shop is open to other machines, and has no accounts.
    ReadOnly,
    /// Who has signed in, wherever from.
    Staff,
}

/// Who gets to see what the cache and the database did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolbar {
    /// Nobody.
    Off,
    /// Visitors of this machine, where no proxy stands between.
    Local,
    /// Everybody.
    On,
}
