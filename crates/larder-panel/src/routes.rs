//! Every address of the panel.

use actix_web::middleware::from_fn;
use actix_web::web::{self, get, post, resource, scope};

use crate::dashboard::{api, entries, pages};
use crate::guard::guard;
use crate::hooks::Part;
use crate::{metrics, toolbar};

/// Registers all of them, below `at`.
pub(crate) fn routes(at: &str, cfg: &mut web::ServiceConfig) {
    let toolbar = scope(&format!("{at}/toolbar"))
        .wrap(from_fn(|request, next| guard(Part::Toolbar, request, next)))
        .service(resource("/requests").route(get().to(toolbar::pages::index)))
        .service(resource("/requests/{id}").route(get().to(toolbar::pages::show)))
        .service(
            resource("/explain")
                .route(get().to(toolbar::pages::explain))
                .route(post().to(toolbar::pages::analyze)),
        )
        .service(resource("/purge").route(post().to(toolbar::pages::purge)))
        .service(resource("/bypass").route(post().to(toolbar::pages::bypass)));
    let invalidate = resource("/invalidate").route(get().to(pages::ask));
    let key = resource("/key").route(get().to(api::key));
    let dashboard = scope(&format!("{at}/cache"))
        .wrap(from_fn(|request, next| guard(Part::Dashboard, request, next)))
        .service(resource("").route(get().to(pages::index)))
        .service(resource("/entries").route(get().to(entries::index)))
        .service(resource("/entry").route(get().to(entries::show)))
        .service(resource("/entry/delete").route(post().to(entries::delete)))
        .service(invalidate.route(post().to(pages::invalidate)))
        .service(resource("/keys").route(get().to(api::keys)))
        .service(key.route(post().to(api::set)))
        .service(resource("/key/delete").route(post().to(api::delete)))
        .service(resource("/stats").route(get().to(api::stats)))
        .service(resource("/clear").route(post().to(api::clear)));
    let metrics = resource(format!("{at}/metrics"))
        .wrap(from_fn(|request, next| guard(Part::Metrics, request, next)))
        .route(get().to(metrics::pages::show));
    cfg.service(toolbar).service(dashboard).service(metrics);
}
