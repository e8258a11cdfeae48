//! Many people at once: no write is lost and no request is refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::support::{Database, Page, TestSite, on_both_databases};

on_both_databases! {
    fifty_editors_lose_nothing,
    concurrent_additions_and_deletions_are_all_done,
    a_cold_page_is_built_once_for_all_concurrent_visitors;
    by_hand:
    editors_and_a_foreign_program_take_turns,
}

const EDITORS: usize = 50;
const EDITS_EACH: u64 = 12;

fn fifty_editors_lose_nothing(on: Database) {
    let here = TestSite::start(on);
    let there = here.another_instance();
    let products: Vec<_> =
        (0..10).map(|number| here.has_product_at(&format!("Product {number}"), "0.00")).collect();
    let acknowledged: Vec<_> = products.iter().map(|_| AtomicU64::new(0)).collect();

    thread::scope(|scope| {
        for editor in 0..EDITORS {
            let site = if editor % 2 == 0 { &here } else { &there };
            let (products, acknowledged) = (&products, &acknowledged);
            scope.spawn(move || {
                for edit in 0..EDITS_EACH {
                    let product = (editor + edit as usize) % products.len();
                    raise_price(site, products[product], editor);
                    acknowledged[product].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });

    // Every acknowledged edit raised a price by one cent; so all of them are there, and no more.
    for (id, edits) in products.iter().zip(acknowledged) {
        assert_eq!(price(&there.get(&format!("/products/{id}"))), edits.into_inner());
    }
    assert_no_trouble(&here);
    assert_no_trouble(&there);
}

/// Raises a price by a cent, and retries after a conflict; any other refusal fails the test.
///
/// Each edit writes a title of its own: two identical edits of a field would both be acknowledged.
fn raise_price(site: &TestSite, id: u64, editor: usize) {
    loop {
        let mut form = site.edit_form(id);
        let cents: u64 = form.field("price").unwrap().replace('.', "").parse().unwrap();
        form.fill("price", &dollars(cents + 1));
        form.fill("title", &format!("Product of editor {editor} at {cents}"));
        match site.sends(&form).status {
            303 => return,
            409 => {}
            status => panic!("an edit was answered with {status}"),
        }
    }
}

fn concurrent_additions_and_deletions_are_all_done(on: Database) {
    let here = TestSite::start_with(on, &["--page-size", "1000"]);
    let there = here.another_instance_with(&["--page-size", "1000"]);
    let doomed: Vec<_> = (0..40).map(|n| here.has_product(&format!("Doomed {n}."))).collect();
    thread::scope(|scope| {
        for worker in 0..8 {
            let site = if worker % 2 == 0 { &here } else { &there };
            let mine = doomed.iter().skip(worker).step_by(8);
            scope.spawn(move || {
                for id in mine {
                    site.deletes(*id).assert_sends_to("/");
                    site.adds(&format!("Heir of {id}."), "1").assert_sends_to("/");
                }
            });
        }
    });
    for site in [&here, &there] {
        let page = site.get("/");
        page.assert_sees_not("Doomed").assert_sees("40 products");
        assert_eq!(page.listed().len(), 40);
        for id in &doomed {
            page.assert_sees(&format!("Heir of {id}."));
        }
        assert_no_trouble(site);
    }
}

fn a_cold_page_is_built_once_for_all_concurrent_visitors(on: Database) {
    let site = TestSite::observed(on, &[]);
    site.has_products(30);
    for round in 0..5 {
        site.invalidates("everything").assert_sends_to("/");
        let made = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    let page = site.get("/?page=2");
                    let is_made = page.assert_status(200).timing().sql_queries() > 0;
                    made.fetch_add(u64::from(is_made), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(made.into_inner(), 1, "round {round}");
    }
}

fn editors_and_a_foreign_program_take_turns(on: Database) {
    let site = TestSite::start(on);
    let tea = site.has_product_at("Tea", "0.00");
    let coffee = site.has_product_at("Coffee", "0.00");
    thread::scope(|scope| {
        for editor in 0..4 {
            let site = &site;
            scope.spawn(move || (0..25).for_each(|_| raise_price(site, tea, editor)));
        }
        scope.spawn(|| {
            let raise = "UPDATE products SET price_cents = price_cents + 1 WHERE id = ";
            for _ in 0..50 {
                site.database.sql(&format!("{raise}{coffee}"));
            }
        });
    });
    assert_eq!(price(&site.get(&format!("/products/{tea}"))), 100);
    assert_eq!(price(&site.get(&format!("/products/{coffee}"))), 50);
    assert_no_trouble(&site);
}

/// Returns the price on a product's page, in cents.
#[track_caller]
fn price(page: &Page) -> u64 {
    first_price(&page.assert_status(200).text())
}

/// Returns the first price in a text, in cents.
#[track_caller]
fn first_price(text: &str) -> u64 {
    let after = text.split_once('$').unwrap_or_else(|| panic!("no price in {text}")).1;
    let is_part = |c: &char| c.is_ascii_digit() || ['.', ','].contains(c);
    let digits: String = after.chars().take_while(is_part).filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[track_caller]
fn assert_no_trouble(site: &TestSite) {
    let log = site.log();
    for word in ["locked", "busy", "panicked", "ERROR", "deadlock"] {
        assert!(!log.contains(word), "the log says {word}: {log}");
    }
}
