//! Tests of all panels together.

use super::super::record::{Moved, Outcome, Record};
use super::super::stories;
use super::render;
use crate::hooks::Hooks;

const HOSTILE: &str = "</code><script>alert('\"')</script>";

fn html(record: &Record) -> String {
    let history: Vec<_> = stories::all().iter().map(Record::summary).collect();
    let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let settings = pair("bind", "127.0.0.1:8080");
    let versions = pair("Larder", "0.1.0");
    let hooks = Hooks { settings, versions, ..Hooks::default() };
    render(record, &history, "", &hooks, &["Calm down.".to_owned()]).unwrap()
}

#[test]
fn a_panel_can_be_left_out() {
    let hooks = Hooks { without: vec!["settings", "log"], ..Hooks::default() };
    let shown = render(&stories::miss(), &[], "", &hooks, &[]).unwrap();
    assert_eq!(shown.matches("role=\"tabpanel\"").count(), 8);
    assert!(!shown.contains("panel-log") && shown.contains("panel-sql"));
}

/// Returns a record with hostile text in each place that visitors or data can fill.
fn poisoned() -> Record {
    let mut record = stories::miss();
    let text = || HOSTILE.to_owned();
    record.request.path = text();
    record.request.query = vec![(text(), text())];
    record.request.route = Some(text());
    record.request.headers.push((text(), text()));
    record.request.cookies.push(text());
    record.request.body = Some((text(), 1));
    record.request.form = vec![(text(), text())];
    record.response.errors = vec![text(), text()];
    record
        .response
        .headers
        .push(("cache-status".to_owned(), format!("larder; detail=\"{HOSTILE}\"")));
    record.response.location = Some(text());
    record.verdict.rule = Some(text());
    record.verdict.key = vec![(text(), text())];
    record.verdict.raw_key = Some(text());
    record.verdict.varies = vec![text()];
    record.verdict.coding = Some(text());
    let node = &mut record.cache[0];
    node.name = text();
    node.key = vec![(text(), text())];
    node.raw_key = text();
    node.tags = vec![text()];
    node.kept = Some(Err(text()));
    node.caller = Some(text());
    node.outcome = Outcome::Outage(text());
    record.sql[3].sql = format!("SELECT '{HOSTILE}' FROM {HOSTILE}");
    record.sql[3].binds = vec![text()];
    record.sql[3].error = Some(text());
    record.sql[3].caller = Some(text());
    record.sql[3].for_key = Some(text());
    record.moved = vec![Moved { tag: text(), emptied: [1, 0, 0] }];
    record.templates[0].name = text();
    record.templates[0].fragments[0].0 = text();
    record.log[0].message = text();
    record.log[0].target = text();
    record.log[0].level = text();
    record.values = stories::outage().values;
    record.values[0].key = text();
    record.values[0].outcome = text();
    record
}

#[test]
fn all_text_is_escaped() {
    let record = poisoned();
    let html = html(&record);
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("alert('"), "a quote is left in an attribute");
    // Each of the places above shows it at least once.
    assert!(html.matches("alert(").count() >= 30, "{}", html.matches("alert(").count());
    let fragment = super::history(&[record.summary()], None).unwrap();
    assert!(!fragment.contains("<script") && fragment.contains("alert("), "{fragment}");
}

#[test]
fn nothing_needs_an_inline_style_or_script() {
    for record in stories::all() {
        let html = html(&record);
        for inline in [" style=", "<style", "<script", " onclick=", "javascript:"] {
            assert!(!html.contains(inline), "{inline} in {html}");
        }
    }
}

#[test]
fn a_panel_that_has_nothing_to_show_says_so() {
    let mut record = stories::redirect();
    record.request.headers.clear();
    record.request.cookies.clear();
    record.response.headers.clear();
    let html = render(&record, &[], "", &Hooks::default(), &[]).unwrap();
    let panels: Vec<&str> = html.split("role=\"tabpanel\"").skip(1).collect();
    let is_empty = |panel: &&str| panel.contains("class=\"empty\"");
    assert_eq!(panels.iter().filter(|panel| is_empty(panel)).count(), 10, "{html}");
}

#[test]
fn every_tab_has_its_panel_and_one_is_chosen() {
    for record in stories::all() {
        let html = html(&record);
        assert_eq!(html.matches("role=\"tab\"").count(), 10);
        assert_eq!(html.matches("role=\"tabpanel\"").count(), 10);
        assert_eq!(html.matches("aria-selected=\"true\"").count(), 1);
        for tag in html.split("aria-controls=\"").skip(1) {
            let id = tag.split('"').next().unwrap();
            assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn every_list_that_begins_ends() {
    for record in stories::all() {
        let html = html(&record);
        for tag in ["ul", "ol", "li", "div", "p", "form", "details", "table", "section", "dl"] {
            let begins = html.matches(&format!("<{tag}>")).count()
                + html.matches(&format!("<{tag} ")).count();
            assert_eq!(begins, html.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}

#[test]
fn a_hit_says_what_it_saved_and_which_request_built_it() {
    let html = html(&stories::hit());
    assert!(html.contains("This hit saved <strong>2 queries, 3.1 ms</strong>"), "{html}");
    let builder = stories::miss().id;
    assert!(html.contains(&format!("data-open=\"{builder}\">the request that built it")));
}

#[test]
fn a_miss_names_the_tag_and_the_write_that_invalidated_it() {
    let html = html(&stories::invalidated());
    assert!(html.contains("Invalidated: “posts” has changed since it was built."), "{html}");
    let write = stories::edit().id;
    assert!(html.contains(&format!("data-open=\"{write}\">see the write")), "{html}");
}

#[test]
fn a_write_says_what_it_emptied() {
    let html = html(&stories::edit());
    assert!(html.contains("Invalidated 2 tags."), "{html}");
}

#[test]
fn every_outcome_says_why() {
    let cases = [
        (stories::failed_form(), "Writes are never served from the cache."),
        (stories::failure(), "Built, not stored: responses with this status are not stored."),
        (stories::stale(), "Served stale: rebuilding it failed."),
        (stories::redirect(), "Page cache bypassed: route not cached."),
        (stories::outage(), "Redis unavailable (breaker open)"),
    ];
    for (record, sentence) in cases {
        let html = html(&record);
        assert!(
            html.contains(sentence) || html.contains(&sentence.replace('(', "&#40;")),
            "{sentence}\n{html}"
        );
    }
}

#[test]
fn forms_lead_back_to_the_address_they_came_from() {
    let mut record = stories::miss();
    record.request.query = vec![("q".to_owned(), "fish & chips".to_owned())];
    let html = html(&record);
    assert!(html.contains("name=\"back\" value=\"/?q=fish%20%26%20chips\""), "{html}");
}
