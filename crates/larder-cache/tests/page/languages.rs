//! Pages in several languages: `Accept-Language` is negotiated to one of those that the rules offer.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use larder_cache::page::{self, Rules};

use super::plain::{Calls, Plain};

/// A handler as one writes it: it answers in the language that the request asks for.
async fn greets(request: HttpRequest, calls: web::Data<Calls>) -> HttpResponse {
    calls.note(&request);
    let language = request.headers().get("Accept-Language").unwrap().to_str().unwrap();
    let mut response = HttpResponse::Ok();
    if request.query_string() == "unstored" {
        response.insert_header(("Cache-Control", "no-store"));
    }
    response.body(format!("in {language}"))
}

fn open() -> Plain {
    Plain::open(|app| {
        let rules = Rules::from(Duration::from_secs(60)).canary(false);
        let rules = rules.languages(&["en", "de", "pt-BR"]);
        app.service(web::resource("/").wrap(page::cached(rules)).get(greets));
    })
}

/// RFC 9110 §12.5.4, RFC 4647 §3.4.
#[test]
fn one_page_is_stored_for_each_offered_language() {
    let site = open();
    let cases = [
        ("de", "de", false),
        ("de-AT,de;q=0.8", "de", true),
        ("it, DE;q=0.1", "de", true),
        ("fr", "en", false),
        ("en-GB", "en", true),
        ("*", "en", true),
        ("de;q=nonsense", "en", true),
        ("pt-br, de;q=0.9", "pt-BR", false),
        ("pt-BR-x-old", "pt-BR", true),
    ];
    for (line, language, is_hit) in cases {
        let answer = site.ask("GET", "/", &[&format!("Accept-Language: {line}")]);
        assert_eq!(answer.text(), format!("in {language}"), "{line}");
        assert_eq!(answer.is_hit(), is_hit, "{line}");
        assert_eq!(answer.all("vary").collect::<Vec<_>>(), ["accept-language"], "{line}");
    }
    assert!(site.get("/").is_hit(), "without the header it is the default");
    assert_eq!(site.calls("/"), 3);
}

#[test]
fn an_answer_that_is_not_stored_varies_as_well() {
    let site = open();
    for line in ["de", "pt"] {
        let answer = site.ask("GET", "/?unstored", &[&format!("Accept-Language: {line}")]);
        let expected = if line == "de" { "in de" } else { "in en" };
        assert_eq!(answer.text(), expected);
        assert_eq!(answer.all("vary").collect::<Vec<_>>(), ["accept-language"]);
    }
}
