//! What the layer of early hits and the page caches in it tell each other, in extensions of requests and responses.

use std::sync::Arc;

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;

use super::stored::Page;
use crate::Cache;
use crate::key::Key;
use crate::stamps::Stamps;

/// In a request: the layer wants to know which page answers it.
pub(super) struct Wanted;

/// In a request: the stamps that the layer has asked for on its behalf.
pub(super) struct Known {
    stamps: Arc<Stamps>,
    /// Whose stamps they are.
    place: usize,
}

impl Known {
    /// Hands the stamps of `cache` over to the page cache that answers the request.
    pub(super) fn hand_over(
        request: &mut ServiceRequest,
        cache: &Cache,
        stamps: Option<Arc<Stamps>>,
    ) {
        if let Some(stamps) = stamps {
            let place = cache.flights_place();
            request.extensions_mut().insert(Self { stamps, place });
        }
    }

    /// Takes the stamps of `cache` that were handed over with a request.
    pub(super) fn take(request: &mut ServiceRequest, cache: &Cache) -> Option<Arc<Stamps>> {
        let known = request.extensions_mut().remove::<Self>()?;
        (known.place == cache.flights_place()).then_some(known.stamps)
    }
}

/// In a response: the stored page that it is.
pub(super) struct Served {
    pub key: Key,
    pub page: Arc<Page>,
    place: usize,
}

impl Served {
    pub(super) fn new(cache: &Cache, key: Key, page: Arc<Page>) -> Self {
        Self { key, page, place: cache.flights_place() }
    }

    /// Reports whether it is a page of this cache.
    pub(super) fn is_of(&self, cache: &Cache) -> bool {
        self.place == cache.flights_place()
    }
}
