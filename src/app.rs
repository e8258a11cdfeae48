//! The table of contents: every section's routes, then what wraps them.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::{App, Error, web};

use crate::cache::page::budget;
use crate::cache::page::head::head_as_get;
use crate::error::AppError;
use crate::site::{assets, error_page, flash, headers, origin};
use crate::state::State;
use crate::versions::Table;
use crate::{dashboard, products, toolbar};

/// The tables that are read through the cache; each must have its triggers.
pub const TABLES: &[Table] = &[products::keys::PRODUCTS];

/// The site, for one worker.
///
/// What is wrapped last sees a request first:
///
/// ```text
/// toolbar → headers → flash → error page → guard → budget → HEAD as GET → routes (→ page cache → handler)
/// ```
pub fn app(
    state: web::Data<State>,
    memory: web::Data<toolbar::Memory>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(web::Data::new(state.cache.clone()))
        .app_data(state)
        .app_data(memory)
        .configure(products::routes)
        .configure(dashboard::routes)
        .configure(toolbar::routes)
        .configure(assets::routes)
        .default_service(web::to(async || Err::<&str, _>(AppError::NotFound)))
        .wrap_fn(head_as_get)
        .wrap_fn(budget::limit)
        .wrap_fn(origin::guard)
        .wrap_fn(error_page::dress)
        .wrap_fn(flash::show)
        .wrap_fn(headers::add)
        .wrap_fn(toolbar::observe)
}
