//! Many products at once: their prices changed by a percentage or to a value, or all of them deleted.
//!
//! - First there is a preview, which changes nothing. Then all of it is done in one transaction, or none.
//! - The preview carries a digest of each product. If one has changed meanwhile, the rows are named.
//!
//! Source: the actions of Django's changelist.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::model::{Action, LIST, Price, Product, ProductId};
use super::service::{self, Many};
use crate::cache::fragment::filters;
use crate::error::AppError;
use crate::site::back::Back;
use crate::site::form::Form;
use crate::site::render::{Layout, dressed, html};
use crate::site::visitor::Visitor;
use crate::state::State;

/// The page that shows what would be done.
#[derive(Template)]
#[template(path = "products/many.html")]
struct ManyPage {
    layout: Layout,
    back: Back,
    rows: Vec<Planned>,
    /// Products that were deleted meanwhile.
    gone: Vec<ProductId>,
    /// What is done to the products, as the form names it, and by how much.
    what: String,
    amount: String,
    /// What would be done, or why it cannot be.
    action: Result<Action, &'static str>,
    is_conflict: bool,
}

/// A product, and what would become of it.
struct Planned {
    product: Product,
    /// The price that it would get; `None` if it would be deleted.
    price: Option<Price>,
    /// Whether it has changed since the preview.
    is_other: bool,
}

impl ManyPage {
    /// Returns the address that the forms are sent to.
    fn address(&self) -> String {
        self.back.on("/products/selected")
    }

    /// Returns the list on which the products were selected.
    fn list(&self) -> &str {
        self.back.or("/")
    }

    /// Returns `3 products`.
    fn count(&self) -> String {
        LIST.count(self.rows.len() as u64)
    }
}

/// Handles `POST /products/selected`: shows a preview, or does what the preview has shown.
pub async fn change(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Visitor,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<HttpResponse, AppError> {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let chosen = fields.iter().filter_map(|(name, digest)| {
        Some((name.strip_prefix("id_")?.parse::<ProductId>().ok()?, digest.clone()))
    });
    let seen: Vec<(ProductId, String)> = chosen.collect();
    let (what, amount) = (field("do"), field("amount"));
    let back = Back::of_selection(&request);
    let action = match seen.is_empty() {
        true => Err("Select at least one product first."),
        false => Action::parse(&what, &amount),
    };
    let mut changed = Vec::new();
    if let (Ok(action), "yes") = (action, &*field("confirmed")) {
        match service::change_many(&state, seen.clone(), action).await? {
            Many::Done(count) => return Ok(back.returned("/", &done(action, count))),
            Many::Conflict(ids) => changed = ids,
        }
    }
    let status = match (&action, changed.is_empty()) {
        (_, false) => StatusCode::CONFLICT,
        (Ok(_), true) => StatusCode::OK,
        (Err(_), true) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let layout = Layout::new(&visitor, "products", "Change many products");
    let is_conflict = !changed.is_empty();
    let (rows, gone) = (Vec::new(), Vec::new());
    let mut page = ManyPage { layout, back, rows, gone, what, amount, action, is_conflict };
    for (id, _) in &seen {
        let Some(product) = (*service::show(&state, *id).await?).clone() else {
            page.gone.push(*id);
            continue;
        };
        let price = action.ok().and_then(|action| action.price(product.price));
        page.rows.push(Planned { product, price, is_other: changed.contains(id) });
    }
    html(&state, status, &page).await
}

fn done(action: Action, count: u64) -> String {
    let products = LIST.count(count);
    match action {
        Action::Delete => format!("Deleted {products}."),
        _ => format!("Changed the price of {products}."),
    }
}

dressed!(ManyPage);
