//! The staff index: the content of every section, counted, searched, and linked to its forms.
//!
//! | URL | |
//! |---|---|
//! | `GET /staff` | [`pages::index`]: all sections, searched with `?q=` |
//! | `GET /staff/{list}` | [`pages::list`]: all items of a section that has no list elsewhere |
//!
//! It knows no section itself: `app` passes in their descriptions.

pub mod pages;

use actix_web::web;

use crate::site::list::admin_section::AdminSection;

/// The sections shown in the index, in the order of the page.
#[derive(Clone)]
pub struct AdminSections(pub Vec<AdminSection>);

/// Registers the URL of the staff index.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.service(web::resource("/staff").route(web::get().to(pages::index)))
        .service(web::resource("/staff/{list}").route(web::get().to(pages::list)));
}
