//! Renders pages in the shop's layout.

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use askama::Template;
use larder_panel::rendered;

use super::visitor::Visitor;
use super::zone::{self, Zone};
use super::{assets, form};
use crate::cache::Policy;
use crate::cache::fragment::{Digest, Fragment};
use crate::error::AppError;
use crate::state::State;

/// The hash of the template that holds header and footer.
const LAYOUT: Digest = Digest::of(include_bytes!("../../templates/_layout.html"));

/// The lifetime of header and footer.
///
/// They are invalidated with the data that they print; the lifetime bounds the memory of unused
/// ones. It is longer than the longest lifetime of a page, a week, since no page outlives its
/// fragments.
const CHROME: Policy = Policy::fresh_for(Duration::from_secs(8 * 24 * 60 * 60));

/// The values that the layout prints around a page.
#[derive(Debug)]
pub struct Layout {
    /// The page's title, without the shop's name.
    pub title: String,
    /// The section whose navigation link is marked; empty for none.
    pub section: &'static str,
    /// The visitor that the page is for.
    pub visitor: Visitor,
}

impl Layout {
    /// Creates the layout of a page with this title in this section, for this visitor.
    pub fn new(visitor: &Visitor, section: &'static str, title: impl Into<String>) -> Self {
        Self { title: title.into(), section, visitor: visitor.clone() }
    }

    /// Whether the page offers to add, edit and delete.
    pub fn may_write(&self) -> bool {
        self.visitor.may_write()
    }

    /// Returns each section in the order of the navigation: its address, its key and its name.
    pub fn sections(&self) -> [(&'static str, &'static str, &'static str); 5] {
        [
            ("/", "products", "Products"),
            ("/cookbook", "cookbook", "Cookbook"),
            ("/events", "events", "Tastings"),
            ("/scoreboard", "scoreboard", "League"),
            ("/supplier", "supplier", "Supplier"),
        ]
    }

    /// Draws the field `once` of a form that adds something.
    pub fn once(&self) -> String {
        form::token()
    }

    /// Returns the address of the style sheet.
    pub fn stylesheet(&self) -> &'static str {
        assets::STYLESHEET.url()
    }

    /// Returns the address of the script.
    pub fn script(&self) -> &'static str {
        assets::SHOP_SCRIPT.url()
    }

    /// Returns the address of the icon.
    pub fn icon(&self) -> &'static str {
        assets::ICON.url()
    }

    /// Returns the shop's time zone.
    pub fn zone(&self) -> &'static Zone {
        zone::shop()
    }

    /// Returns the version of the program.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Returns the fragment of the header: brand and navigation, without the account of the visitor.
    pub fn header(&self) -> Fragment {
        Fragment::new("site.header", LAYOUT, CHROME).vary_on("section", self.section)
    }

    /// Returns the fragment of the footer.
    pub fn footer(&self) -> Fragment {
        let footer = Fragment::new("site.footer", LAYOUT, CHROME);
        let footer = footer.vary_on("version", self.version());
        let footer = footer.vary_on("may_write", self.may_write());
        footer.vary_on("may_sign_in", self.visitor.may_sign_in())
    }
}

/// A page whose template extends `_layout.html`.
pub trait Dressed: Template {
    /// Returns the values that the layout prints.
    fn layout(&self) -> &Layout;
}

/// Implements [`Dressed`] for pages with a field `layout`: `dressed!(IndexPage, ShowPage);`.
macro_rules! dressed {
    ($($page:ty),+) => {$(
        impl $crate::site::render::Dressed for $page {
            fn layout(&self) -> &$crate::site::render::Layout {
                &self.layout
            }
        }
    )+};
}
pub(crate) use dressed;

/// Renders the page as a response.
///
/// # Errors
/// Those of the template.
#[track_caller]
pub fn html(
    state: &State,
    status: StatusCode,
    page: &impl Dressed,
) -> impl Future<Output = Result<HttpResponse, AppError>> {
    let printing = print(state, page);
    async move {
        let body = printing.await?;
        Ok(HttpResponse::build(status).insert_header(ContentType::html()).body(body))
    }
}

/// Renders the page as HTML.
///
/// # Errors
/// Those of the template.
#[track_caller]
pub fn print<P: Dressed>(
    state: &State,
    page: &P,
) -> impl Future<Output = Result<String, AppError>> {
    let began = Instant::now();
    let layout = page.layout();
    let fetching = state.cache.prefetch([layout.header(), layout.footer()]);
    async move {
        let body = state.cache.render_with(page, fetching.await)?;
        rendered::record::<P>(began, body.len());
        Ok(body)
    }
}

/// Formats `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a number with its noun: `1 product`, `1,000 products`.
pub fn counted(number: u64, [one, many]: [&str; 2]) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        let nouns = ["key", "keys"];
        assert_eq!([1, 1_000].map(|number| counted(number, nouns)), ["1 key", "1,000 keys"]);
    }
}
