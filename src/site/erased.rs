//! Hides the type of what it is around.
//!
//! - Each function around the app names what it wraps three times: seven of them took the compiler nine
//!   gigabytes. Behind this they begin anew with a short name.
//! - It costs one allocation for each request, so it stands twice: names grow threefold with each layer, and
//!   a second place made the library less than half as large.

use std::future::{Ready, ready};

use actix_service::boxed::{self, BoxService};
use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Erased;

impl<S, B> Transform<S, ServiceRequest> for Erased
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
