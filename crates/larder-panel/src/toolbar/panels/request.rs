//! The request panel: the request, and the route that answered it.
//!
//! - Values of cookies are never shown, since they are not recorded; of secrets in forms and parameters only the names.

use askama::Template;

use super::super::record::{Kind, Record};
use super::Panel;
use crate::figures::{bytes, clock};

#[derive(Template)]
#[template(path = "toolbar/request.html")]
pub struct Request<'a> {
    record: &'a Record,
    facts: Vec<(&'static str, String)>,
}

impl<'a> Request<'a> {
    pub fn new(record: &'a Record) -> Self {
        let (request, response) = (&record.request, &record.response);
        let mut facts = vec![
            ("Method", request.method.clone()),
            ("Path", request.path.clone()),
            ("Route", request.route.clone().unwrap_or_else(|| "none: no route matches".into())),
            ("Status", response.status.to_string()),
            ("Response", kind(response.kind).to_owned()),
        ];
        let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
        add("Location", response.location.clone());
        add("Size", response.bytes.map(bytes));
        add(
            "Request body",
            request.body.as_ref().map(|(kind, size)| format!("{kind}, {}", bytes(*size))),
        );
        add("Client", request.client.clone());
        add("Peer of the connection", request.peer.clone());
        add("Protocol", Some(request.version.clone()));
        add("Began", Some(format!("{} UTC", clock(record.began))));
        add("Request id", Some(record.id.to_string()));
        Self { record, facts }
    }
}

impl Panel for Request<'_> {
    const TITLE: &'static str = "Request";

    fn subtitle(&self) -> String {
        let route = self.record.request.route.as_deref().unwrap_or("no route");
        format!("{} {route}", self.record.request.method)
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Page => "page",
        Kind::Redirect => "redirect",
        Kind::Json => "JSON",
        Kind::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolbar::stories;

    #[test]
    fn a_request_without_a_route_says_so() {
        let mut record = stories::miss();
        assert_eq!(Request::new(&record).subtitle(), "GET /");
        record.request.route = None;
        assert_eq!(Request::new(&record).subtitle(), "GET no route");
    }
}
