//! Pages with holes: how they are printed, cut out of a response, and filled.
//!
//! - A response is cut as soon as its handler returns. From then on it has no markers, and its holes are among its
//!   extensions. A stream or a coded body cannot be cut.
//! - A page is stored with the places of its holes. To fill them, the bytes between are copied once: nothing is
//!   rendered, and nothing is searched.
//! - A filled response is for one visitor: `private, no-cache`, without validators and without digests. It is always
//!   whole. That of a stored page is compressed if the client accepts gzip (`super::coded_holes`).
//! - Where nothing fills the holes, the response is the page for all, with its validators and in each coding; it only
//!   says `Vary: Cookie`.

use std::fmt;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderMap;
use bytes::Bytes;

use super::of_request::Fillings;
use super::outward;
use super::rules::Rules;
use crate::hole::{self, Hole, Render};
use crate::http::digests::{OF_THE_CONTENT, OF_THE_REPRESENTATION};

/// The holes of a response, among its extensions.
pub(super) struct Holes(pub Vec<Hole>);

/// Returns the hole of this name, for a handler to print: [`Rules::hole`](super::Rules::hole) fills it.
///
/// Where no page cache fills holes, it prints nothing. In a task or thread that the handler has started, too.
pub fn hole(name: &str) -> impl fmt::Display {
    struct Printed<'n>(&'n str);
    impl fmt::Display for Printed<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            hole::print(self.0, f).map(drop)
        }
    }
    Printed(name)
}

/// Cuts the holes out of a response that was built in `render`.
pub(super) fn cut(
    render: Render,
    rules: &Rules,
    response: ServiceResponse<BoxBody>,
) -> ServiceResponse<BoxBody> {
    let mut holes = None;
    let mut response = response.map_body(|_, body| match body.try_into_bytes() {
        Ok(body) => match render.cut(&body) {
            Some((text, found)) => {
                holes = Some(Holes(found));
                BoxBody::new(text)
            }
            None => BoxBody::new(body),
        },
        Err(body) => body,
    });
    if let Some(holes) = holes {
        let is_known = |hole: &Hole| rules.holes.iter().any(|known| known.name == hole.name);
        if let Some(hole) = holes.0.iter().find(|hole| !is_known(hole)) {
            let path = response.request().path();
            tracing::error!(
                hole = hole.name,
                path,
                "the rules fill no hole of this name: it stays empty"
            );
        }
        response.response_mut().extensions_mut().insert(holes);
    }
    response
}

/// Returns the parts of a body, each with the hole that follows it; the last one has none.
///
/// Places are in order and within the body: where that is not so, as in forged data, nothing is shown.
pub(super) fn pieces<'p>(
    body: &'p Bytes,
    holes: &'p [Hole],
) -> impl Iterator<Item = (&'p [u8], Option<&'p Hole>)> {
    let starts = std::iter::once(0).chain(holes.iter().map(|hole| hole.at));
    let ends = holes.iter().map(Some).chain([None]);
    starts.zip(ends).map(|(from, hole)| {
        let to = hole.map_or(body.len(), |hole| hole.at);
        (body.get(from..to).unwrap_or_default(), hole)
    })
}

/// Returns the body with its holes filled.
pub(super) fn filled(body: &Bytes, holes: &[Hole], fillings: &Fillings) -> Bytes {
    let added: usize = holes.iter().map(|hole| fillings.get(&hole.name).len()).sum();
    let mut filled = Vec::with_capacity(body.len() + added);
    for (part, hole) in pieces(body, holes) {
        filled.extend_from_slice(part);
        filled.extend_from_slice(hole.map_or("", |hole| fillings.get(&hole.name)).as_bytes());
    }
    filled.into()
}

/// Fills the holes of a response that is not stored, and reports whether there was something to fill them with.
pub(super) fn fill(
    mut response: HttpResponse<BoxBody>,
    fillings: &Fillings,
) -> (HttpResponse<BoxBody>, bool) {
    let Some(Holes(holes)) = response.extensions_mut().remove::<Holes>() else {
        return (response, false);
    };
    if !fillings.fill_any(&holes) {
        outward::divide(response.headers_mut(), false);
        return (response, false);
    }
    let mut response = response.map_body(|_, body| match body.try_into_bytes() {
        Ok(body) => BoxBody::new(filled(&body, &holes, fillings)),
        Err(body) => body,
    });
    be_for_one(response.headers_mut());
    (response, true)
}

/// Writes the headers of a response whose holes are filled.
pub(super) fn be_for_one(headers: &mut HeaderMap) {
    outward::be_personal(headers);
    for name in OF_THE_CONTENT.iter().chain(&OF_THE_REPRESENTATION) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_of_the_body_show_nothing() {
        let hole = |at| Hole { at, name: "a".to_owned() };
        let body = Bytes::from_static(b"0123");
        let fillings = Fillings::default();
        for (holes, text) in [
            (vec![], "0123"),
            (vec![hole(0), hole(2), hole(4)], "0123"),
            (vec![hole(9)], ""),
            (vec![hole(3), hole(1)], "012123"),
        ] {
            assert_eq!(filled(&body, &holes, &fillings), text, "{holes:?}");
        }
    }
}
