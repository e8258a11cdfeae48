//! The functions around the routes, as one middleware.
//!
//! - The type of an app repeats the type within for each function around it: with seven of them, one around the other, the
//!   compiler took more than half of its time for that type. Here a box hides the type after every second or third one.
//! - Each box costs a request an allocation. A page that is answered early ([`crate::cache::Cache::early_hits`]) does
//!   not come here.

use std::future::{Ready, ready};

use actix_service::apply_fn;
use actix_service::boxed::{self, BoxService};
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};

use crate::accounts::identify;
use crate::cache::page::{self, head_as_get};
use crate::site::{error_page, flash, freshness, headers, origin};

/// The middleware; see the module.
///
/// ```text
/// headers → freshness → flash → error page → identify → guard → budget → HEAD as GET → routes
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Layers;

impl<S, B> Transform<S, ServiceRequest> for Layers
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = BoxService<ServiceRequest, ServiceResponse<BoxBody>, Error>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, routes: S) -> Self::Future {
        let budgeted = apply_fn(apply_fn(routes, head_as_get), page::limit_store_time);
        let guarded = boxed::service(apply_fn(budgeted, origin::guard));
        let dressed = apply_fn(identify::around(guarded), error_page::dress);
        let shown = boxed::service(apply_fn(dressed, flash::show));
        let fresh = apply_fn(shown, freshness::decide);
        ready(Ok(boxed::service(apply_fn(fresh, headers::add))))
    }
}
