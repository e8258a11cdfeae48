//! Boxes a service of the app, which hides its type.
//!
//! - Each function around the app repeats the wrapped type three times: seven of them took the
//!   compiler nine gigabytes. Around a boxed service they start again with a short type.
//! - It costs one allocation for each request. The app uses it in two places: types grow threefold
//!   with each layer, and the second place made the library less than half as large.

use std::future::{Ready, ready};

use actix_service::boxed::{self, BoxService};
use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};

/// The middleware that boxes the service; see the module.
#[derive(Debug, Clone, Copy)]
pub struct Boxed;

impl<S, B> Transform<S, ServiceRequest> for Boxed
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = BoxService<ServiceRequest, ServiceResponse<B>, Error>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(boxed::service(service)))
    }
}
