//! Every URL of the catalogue, with its responses to right and wrong requests.

use crate::support::{Database, TestSite, on_both_databases};

on_both_databases! {
    a_product_is_added_and_shown,
    a_product_is_edited,
    a_product_is_deleted_after_a_question,
    each_form_shows_the_product_as_it_is,
    an_unknown_or_impossible_id_is_not_found,
    an_unknown_path_is_not_found,
    a_wrong_method_gets_the_allowed_ones,
    a_body_that_is_too_large_is_refused,
    a_body_that_is_no_form_is_refused,
    a_form_in_a_wrong_encoding_is_refused,
    html_in_a_title_is_shown_as_text,
    times_are_absolute_in_utc_and_exact,
}

fn a_product_is_added_and_shown(on: Database) {
    let site = TestSite::start(on);
    let mut visitor = site.visitor();

    visitor.get("/products/new").assert_status(200).assert_is_in_the_shops_dress();
    let page = visitor.submit("/products", &[("title", "Earl Grey"), ("price", "$12.50")]);

    page.assert_status(200).assert_sees("Earl Grey").assert_sees("$12.50");
    assert!(page.flash().is_some(), "the addition is confirmed: {}", page.text());
    let id = page.listed()[0];
    site.get(&format!("/products/{id}"))
        .assert_status(200)
        .assert_is_in_the_shops_dress()
        .assert_sees("Earl Grey")
        .assert_sees("$12.50");
}

fn a_product_is_edited(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "4.99");
    site.has_product("Coffee");

    site.edits(tea, &[("title", "Green tea"), ("price", "5.25")]).assert_sends_to("/");

    for path in ["/", &format!("/products/{tea}")] {
        let page = site.get(path);
        page.assert_sees("Green tea").assert_sees("$5.25").assert_sees_not("Tea $4.99");
    }
    site.get("/").assert_sees("Coffee");
}

fn a_product_is_deleted_after_a_question(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let coffee = site.has_product("Coffee");
    let mut visitor = site.visitor();

    let question = visitor.get(&format!("/products/{tea}/delete"));
    question.assert_status(200).assert_is_in_the_shops_dress().assert_sees("Tea");
    site.get(&format!("/products/{tea}")).assert_status(200);

    let form = question.form(&format!("/products/{tea}/delete"));
    let fields: Vec<_> = form.fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let page = visitor.submit(&form.action, &fields);

    assert!(page.flash().is_some(), "the deletion is confirmed: {}", page.text());
    assert_eq!(page.listed(), [coffee]);
    for path in ["", "/edit", "/delete"] {
        site.get(&format!("/products/{tea}{path}")).assert_status(404);
    }
    // Sending the same form twice deletes once.
    site.submit(&form.action, &fields).assert_sends_to("/");
}

fn each_form_shows_the_product_as_it_is(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea \"Royal\" & <Sons>", "4.9");

    let edit = site.edit_form(tea);
    assert_eq!(edit.field("title"), Some("Tea \"Royal\" & <Sons>"));
    assert_eq!(edit.field("price"), Some("4.90"));
    for form in [edit, site.delete_form(tea)] {
        assert_eq!(form.field("was_title"), Some("Tea \"Royal\" & <Sons>"), "{form:?}");
        assert_eq!(form.field("was_price"), Some("4.90"), "{form:?}");
    }
    let new = site.get("/products/new").form("/products");
    assert_eq!((new.field("title"), new.field("price")), (Some(""), Some("")));
}

fn an_unknown_or_impossible_id_is_not_found(on: Database) {
    let site = TestSite::start(on);
    site.has_product("Tea");
    let fields = [("title", "Green tea"), ("price", "5")];
    let ids = [
        "999999999",
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999",
        "tea",
        "1.5",
        "1%20",
        "%31%00",
        "+1",
        "0x1",
        "%F0%9F%8D%B5",
    ];
    for id in ids {
        for path in ["", "/edit", "/delete"] {
            site.get(&format!("/products/{id}{path}"))
                .assert_status(404)
                .assert_is_in_the_shops_dress();
        }
        for path in ["", "/delete"] {
            site.submit(&format!("/products/{id}{path}"), &fields)
                .assert_status(404)
                .assert_is_in_the_shops_dress();
        }
    }
    site.get("/").assert_sees("Tea").assert_sees_not("Green tea");
}

fn an_unknown_path_is_not_found(on: Database) {
    let site = TestSite::start(on);
    for path in ["/nothing", "/products/1/nothing", "/static/nothing.css", "/index.php", "//"] {
        site.get(path).assert_status(404).assert_is_in_the_shops_dress();
    }
}

fn a_wrong_method_gets_the_allowed_ones(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product("Tea");
    let product = format!("/products/{tea}");
    let cases = [
        ("DELETE", "/".to_owned(), "GET"),
        ("POST", "/".to_owned(), "GET"),
        ("PUT", product.clone(), "POST"),
        ("DELETE", product.clone(), "POST"),
        ("PATCH", product.clone(), "GET"),
        ("GET", "/products".to_owned(), "POST"),
        ("POST", "/products/new".to_owned(), "GET"),
        ("POST", format!("{product}/edit"), "GET"),
        ("PUT", format!("{product}/delete"), "POST"),
        ("GET", "/cache/entry/delete".to_owned(), "POST"),
        ("PUT", "/cache/invalidate".to_owned(), "GET"),
    ];
    for (method, path, right) in cases {
        let answer = site.raw(&request_line(method, &path, site.port()));
        answer.assert_status(405).assert_is_in_the_shops_dress();
        let allowed = answer.header("allow").unwrap_or_default();
        let mut allowed = allowed.split(',').map(str::trim);
        assert!(allowed.any(|one| one == right), "{method} {path} allows {right}");
    }
    site.get(&product).assert_sees("Tea");
}

fn a_body_that_is_too_large_is_refused(on: Database) {
    let site = TestSite::start(on);
    let large = format!("title={}&price=1", "a".repeat(65 * 1024));
    let form = "application/x-www-form-urlencoded";
    site.ask("POST", "/products")
        .header("Content-Type", form)
        .body(large)
        .send()
        .assert_status(413)
        .assert_is_in_the_shops_dress();

    // The same with a body of unknown length.
    let mut chunked = format!(
        "POST /products HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
         Content-Type: {form}\r\nTransfer-Encoding: chunked\r\n\r\n",
        site.port()
    );
    for _ in 0..70 {
        chunked += &format!("400\r\n{}\r\n", "a".repeat(1024));
    }
    chunked += "0\r\n\r\n";
    site.raw(chunked.as_bytes()).assert_status(413);
    assert!(site.get("/").listed().is_empty());
}

fn a_body_that_is_no_form_is_refused(on: Database) {
    let site = TestSite::start(on);
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        site.ask("POST", "/products")
            .header("Content-Type", kind)
            .body("title=Tea&price=1")
            .send()
            .assert_status(415)
            .assert_is_in_the_shops_dress();
    }
    assert!(site.get("/").listed().is_empty());
}

fn a_form_in_a_wrong_encoding_is_refused(on: Database) {
    let site = TestSite::start(on);
    let cases: [&[u8]; 4] = [
        b"title=%FF&price=1",
        b"title=%C3%28&price=1",
        b"title=caf\xE9&price=1",
        b"title=%ED%A0%80&price=1",
    ];
    for body in cases {
        site.ask("POST", "/products")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .assert_status(400)
            .assert_is_in_the_shops_dress();
    }
    assert!(site.get("/").listed().is_empty());
}

fn html_in_a_title_is_shown_as_text(on: Database) {
    let site = TestSite::start(on);
    let title = r#"<script>alert("1")</script> 'tea' & "co" </title> {{ 7*7 }}"#;
    let id = site.has_product(title);
    let paths = ["".to_owned(), "/edit".to_owned(), "/delete".to_owned()]
        .map(|end| format!("/products/{id}{end}"));
    for path in paths.iter().map(String::as_str).chain(["/", "/?q=%3Cscript%3E"]) {
        let page = site.get(path);
        page.assert_status(200);
        assert!(!page.html().contains("<script>alert"), "{path} runs the title");
    }
    site.get("/").assert_sees(title);
    let answer = site.submit("/products", &[("title", title), ("price", "<b>\"'")]);
    answer.assert_status(422);
    assert!(!answer.html().contains("<script>alert") && !answer.html().contains("<b>\""));
}

fn times_are_absolute_in_utc_and_exact(on: Database) {
    let site = TestSite::start(on);
    let before = time::OffsetDateTime::now_utc() - time::Duration::seconds(1);
    let id = site.has_product("Tea");
    let after = time::OffsetDateTime::now_utc() + time::Duration::seconds(1);
    for path in ["/", &format!("/products/{id}")] {
        let page = site.get(path);
        let times = page.tags("time");
        assert!(times.len() >= 2, "{path} shows created and updated");
        for tag in times {
            let exact = tag.attribute("datetime").expect("an exact time");
            let parsed = parse_utc(exact);
            assert!(before <= parsed && parsed <= after, "{path}: {exact}");
            let readable = page.text_of(&tag);
            assert!(readable.contains(&after.year().to_string()), "{path}: {readable}");
            assert!(readable.contains("UTC") || page.text().contains("UTC"), "{path}: {readable}");
        }
    }
}

fn request_line(method: &str, path: &str, port: u16) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[track_caller]
fn parse_utc(text: &str) -> time::OffsetDateTime {
    use time::format_description::well_known::Rfc3339;
    let parsed = time::OffsetDateTime::parse(text, &Rfc3339);
    parsed.unwrap_or_else(|error| panic!("{text} is no exact time: {error}"))
}
