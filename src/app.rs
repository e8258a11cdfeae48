//! The app: the routes of every section, and the middleware around them.

use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, web};
use larder_panel::Panel;

use crate::accounts::throttle::Throttle;
use crate::cache::front;
use crate::error::AppError;
use crate::health::Health;
use crate::layers::Layers;
use crate::site::{assets, log};
use crate::sql::Table;
use crate::staff::AdminSections;
use crate::state::State;
use crate::{accounts, cookbook, events, health, products, scoreboard, sql, staff, supplier};

/// The tables that are read through the cache; each must have its triggers.
pub const TABLES: &[Table] = &[
    products::keys::PRODUCTS,
    scoreboard::keys::MEMBERS,
    scoreboard::keys::SCORES,
    cookbook::keys::RECIPES,
    cookbook::keys::FOODS,
    cookbook::keys::INGREDIENTS,
    events::keys::EVENTS,
    events::keys::GUESTS,
    accounts::keys::ACCOUNTS,
    accounts::keys::SESSIONS,
    accounts::keys::TOKENS,
    sql::secret::SECRET,
];

/// Returns the sections of the staff index.
fn admin_sections() -> AdminSections {
    AdminSections(vec![
        products::ADMIN_SECTION,
        cookbook::ADMIN_SECTION,
        cookbook::FOODS_ADMIN_SECTION,
        events::ADMIN_SECTION,
        events::GUESTS_ADMIN_SECTION,
        scoreboard::ADMIN_SECTION,
        supplier::ADMIN_SECTION,
    ])
}

/// Parts that only one section or one observer needs.
#[derive(Clone)]
pub struct Parts {
    /// The toolbar, the dashboard and the metrics.
    pub panel: Panel,
    /// Checks that everything the site needs is available.
    pub health: web::Data<Health>,
    /// Counts the attempts to sign in.
    pub throttle: web::Data<Throttle>,
    /// Fetches prices.
    pub supplier: web::Data<supplier::client::Client>,
}

/// Returns the site, for one worker.
///
/// The middleware that is wrapped last sees a request first:
///
/// ```text
/// log and figures → front → panel → early hits → layers (`layers`) → routes (→ page cache → handler)
/// ```
pub fn app(
    state: web::Data<State>,
    parts: Parts,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    // One handle per worker: cloning it touches no memory that another worker's processor writes.
    let counters = Rc::new(parts.panel.clone());
    let early_hits = state.cache.early_hits();
    App::new()
        .app_data(web::Data::new(state.cache.clone()))
        .app_data(state)
        .app_data(parts.health)
        .app_data(web::Data::new(admin_sections()))
        .app_data(parts.throttle)
        .app_data(parts.supplier)
        .configure(products::routes)
        .configure(events::routes)
        .configure(cookbook::routes)
        .configure(scoreboard::routes)
        .configure(supplier::routes)
        .configure(accounts::routes)
        .configure(staff::routes)
        .configure(parts.panel.routes())
        .configure(assets::routes)
        .configure(health::routes)
        .default_service(web::to(async || Err::<&str, _>(AppError::NotFound)))
        .wrap(Layers)
        .wrap(early_hits)
        .wrap(parts.panel)
        .wrap_fn(front::send)
        .wrap(log::AccessLog(counters))
}
