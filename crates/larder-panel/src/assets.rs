//! The script and the style sheets: built into the program, named by content hash, cached by browsers for a year.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use xxhash_rust::xxh3::xxh3_64;

use crate::cache::page::{self, Rules};

/// A file of the panel.
pub(crate) struct Asset {
    name: String,
    content_type: &'static str,
    content: &'static [u8],
}

const SCRIPT: &[u8] = include_bytes!("../static/toolbar.js");
const STYLE: &[u8] = include_bytes!("../static/toolbar.css");
const TEXT_CSS: &str = "text/css; charset=utf-8";

/// The toolbar's script; pages with the toolbar load it in one constant line.
///
/// Script and style sheet share one hash, so that the script finds the style sheet.
pub(crate) static TOOLBAR_SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::of_toolbar("js", "text/javascript; charset=utf-8", SCRIPT));

/// The toolbar's style sheet.
static TOOLBAR_STYLESHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::of_toolbar("css", TEXT_CSS, STYLE));

/// The style sheet of the dashboard's content.
pub(crate) static DASHBOARD: LazyLock<Asset> =
    LazyLock::new(|| Asset::sheet("dashboard", include_bytes!("../static/dashboard.css")));

/// The style sheet of the neutral layout.
pub(crate) static BASE: LazyLock<Asset> =
    LazyLock::new(|| Asset::sheet("panel", include_bytes!("../static/panel.css")));

impl Asset {
    fn sheet(name: &str, content: &'static [u8]) -> Self {
        let name = format!("{name}.{:016x}.css", xxh3_64(content));
        Self { name, content_type: TEXT_CSS, content }
    }

    fn of_toolbar(extension: &str, content_type: &'static str, content: &'static [u8]) -> Self {
        let hash = xxh3_64(&[SCRIPT, STYLE].concat());
        Self { name: format!("toolbar.{hash:016x}.{extension}"), content_type, content }
    }

    /// Returns the file's address, which changes with its content.
    pub(crate) fn url(&self, at: &str) -> String {
        format!("{at}/static/{}", self.name)
    }

    fn show(&self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, self.content_type))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(self.content)
    }
}

/// Registers the files, which the page cache compresses once, where the app has one.
pub(crate) fn routes(at: &str, cfg: &mut web::ServiceConfig) {
    for asset in [&TOOLBAR_SCRIPT, &TOOLBAR_STYLESHEET, &DASHBOARD, &BASE] {
        let page =
            web::resource(asset.url(at)).wrap(page::cached(Rules::respecting().parameters(&[])));
        cfg.service(page.route(web::get().to(async || asset.show())));
    }
}
