//! The types of HTTP messages, as the rules of this room know them.
//!
//! They are actix-web's. For another framework this is the file to change.

pub(crate) use actix_web::http::{Method, StatusCode, header};
