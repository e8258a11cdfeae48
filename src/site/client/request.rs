//! The client of a request, with the settings of the shop.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderName;
use actix_web::{HttpMessage, HttpRequest, web};

use super::Client;
use super::proxies::{Proxies, is_from_proxy};
use crate::cache::http::PassedOn;
use crate::state::State;

impl Client {
    /// Returns the client that sent `request`.
    pub fn of(request: &HttpRequest) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return *known;
        }
        let state = request.app_data::<web::Data<State>>();
        let peer = request.peer_addr().map(|peer| peer.ip());
        let mut client = match state {
            Some(state) => state.settings.proxies.client(peer, request.headers()),
            None => Proxies::default().client(peer, request.headers()),
        };
        client.is_https |= request.app_config().secure();
        client
    }
}

/// Removes the headers of proxies from a request, after recording the client that they name.
///
/// A page is the same for all clients: without these headers it cannot differ by them.
pub fn hide(request: &mut ServiceRequest) {
    // Also headers that are no sign of a proxy, but that handlers would believe from any client.
    let is_believed = |name: &HeaderName| {
        PassedOn::of(name.as_str()).is_some_and(|kind| kind != PassedOn::Request)
    };
    let names = request.headers().keys().filter(|name| is_from_proxy(name) || is_believed(name));
    let names: Vec<HeaderName> = names.cloned().collect();
    if names.is_empty() {
        return;
    }
    let client = Client::of(request.request());
    request.extensions_mut().insert(client);
    for name in &names {
        request.headers_mut().remove(name);
    }
}
