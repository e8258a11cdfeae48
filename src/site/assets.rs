//! Static files: built into the program, named by content hash, cached by browsers for a year.
//!
//! The page cache compresses each file once, as it does pages.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use crate::cache::page::{self, Rules};
use crate::error::AppError;

/// A file of the folder `static`.
pub struct Asset {
    url: String,
    content_type: &'static str,
    content: &'static [u8],
}

/// The site's style sheet.
pub static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("shop", "css", "text/css; charset=utf-8", include_bytes!("../../static/shop.css"))
});

/// The site's icon.
pub static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("favicon", "svg", "image/svg+xml", include_bytes!("../../static/favicon.svg"))
});

/// The script of all pages: it loads a page again to which the browser goes back.
pub static SHOP_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../static/shop.js");
    Asset::new("shop", "js", "text/javascript; charset=utf-8", content)
});

/// The script that sorts the table of the league.
pub static LEAGUE_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("../../static/league.js");
    Asset::new("league", "js", "text/javascript; charset=utf-8", content)
});

impl Asset {
    fn new(
        name: &str,
        extension: &str,
        content_type: &'static str,
        content: &'static [u8],
    ) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(content);
        let url = format!("/static/{name}.{hash:016x}.{extension}");
        Self { url, content_type, content }
    }

    /// Returns the file's address, which changes with its content.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// What crawlers are asked to leave out: pages of the staff.
const ROBOTS: &str = include_str!("../../static/robots.txt");

/// Registers `/static/…` and `/robots.txt`.
pub fn routes(cfg: &mut web::ServiceConfig) {
    let rules = Rules::respecting().parameters(&[]);
    cfg.service(
        web::resource("/static/{file}").wrap(page::cached(rules)).route(web::get().to(show)),
    )
    .service(web::resource("/robots.txt").route(web::get().to(async || ROBOTS)));
}

async fn show(request: actix_web::HttpRequest) -> Result<HttpResponse, AppError> {
    let assets = [&*STYLESHEET, &*ICON, &*SHOP_SCRIPT, &*LEAGUE_SCRIPT];
    let asset = assets.into_iter().find(|asset| asset.url == request.path());
    let asset = asset.ok_or(AppError::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.content))
}
