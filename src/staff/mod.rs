//! The staff index: the content of every section, counted, searched, and linked to its forms.
//!
//! | URL | |
//! |---|---|
//! | `GET /staff` | [`pages::index`]: all sections, searched with `?q=` |
//!
//! It knows no section itself: `app` passes in their descriptions.

pub mod pages;

use actix_web::web;

use crate::site::admin_section::AdminSection;

/// The sections shown in the index, in the order of the page.
#[derive(Clone)]
pub struct AdminSections(pub Vec<AdminSection>);

/// Registers the URL of the staff index.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/staff").route(web::get().to(pages::index)));
}
