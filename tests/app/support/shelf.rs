//! A checker of freshness: each product's price is the number of its last change.
//!
//! - The changes of a product are numbered from 1, and each writes its number as the price in
//!   cents.
//! - Each product has one writer at a time and any number of readers.
//! - *Floor*: the last acknowledged change. A request that begins after it must not see an earlier
//!   one.
//! - *Ceiling*: the last change that was begun. No request can see a later one.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::caller::Caller;
use super::database::TestDatabase;
use super::page::Page;
use super::site::TestSite;

pub struct Shelf {
    items: Vec<Item>,
}

struct Item {
    title: String,
    /// The current product, or the last one.
    id: AtomicU64,
    floor: AtomicU64,
    ceiling: AtomicU64,
    /// The changes that deleted the product.
    removals: Mutex<Vec<u64>>,
}

/// A violation that a reader or writer found.
#[derive(Debug)]
pub enum Wrong {
    /// The shop answered with an error where it should have succeeded.
    Error(String),
    /// The page showed a state that is older than an acknowledged change.
    Stale(String),
    /// The page showed a state that never existed.
    Untrue(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(what) => write!(f, "an error: {what}"),
            Self::Stale(what) => write!(f, "stale: {what}"),
            Self::Untrue(what) => write!(f, "untrue: {what}"),
        }
    }
}

impl Shelf {
    /// Adds `size` products to the site and returns the shelf that tracks them.
    #[track_caller]
    pub fn of(site: &TestSite, size: usize) -> Self {
        let items = (0..size).map(|number| Item {
            title: format!("Item {number}."),
            id: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            ceiling: AtomicU64::new(0),
            removals: Mutex::default(),
        });
        let shelf = Self { items: items.collect() };
        (0..size).for_each(|item| shelf.add(site, item).unwrap());
        shelf
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the number of acknowledged changes, including those that added the products.
    pub fn changes(&self) -> u64 {
        self.items.iter().map(|item| item.floor.load(SeqCst)).sum()
    }

    /// Adds a product that is absent.
    pub fn add(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            accepted(&site.adds(&item.title, &dollars(number)))?;
            item.find(site, number)
        })
    }

    /// Writes the next number as the price of a present product.
    pub fn edit(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.edit_by(item, |path, fields| Ok(site.submit(path, fields)))
    }

    /// Writes the next number as the price of a present product, with a form that `submit` sends.
    pub fn edit_by(
        &self,
        item: usize,
        submit: impl FnOnce(&str, &[(&str, &str)]) -> Result<Page, Wrong>,
    ) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            let (price, was_price) = (dollars(number), dollars(number - 1));
            let fields = [
                ("title", item.title.as_str()),
                ("price", &price),
                ("was_title", &item.title),
                ("was_price", &was_price),
            ];
            let path = format!("/products/{}", item.id.load(SeqCst));
            accepted(&submit(&path, &fields)?)
        })
    }

    /// Finds out whether the last change of a present product was saved, where its answer was lost.
    pub fn settle(&self, caller: &mut Caller, item: usize) -> Result<(), Wrong> {
        let page = self.look_at_one(caller, item)?;
        let shown = self.items[item].price_in(page.html_or_wrong()?);
        self.items[item].floor.fetch_max(shown.unwrap_or(0), SeqCst);
        Ok(())
    }

    /// Asserts that the database has the last acknowledged change of every product.
    #[track_caller]
    pub fn assert_saved(&self, database: &TestDatabase) {
        for item in &self.items {
            let (title, number) = (&item.title, item.floor.load(SeqCst));
            let saved = format!("SELECT price_cents FROM products WHERE title = '{title}'");
            assert_eq!(database.sql(&saved), number.to_string(), "{title}");
        }
    }

    /// Deletes a present product.
    pub fn remove(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            item.is_removed_by(number);
            let was_price = dollars(number - 1);
            let fields = [("was_title", item.title.as_str()), ("was_price", &was_price)];
            let path = format!("/products/{}/delete", item.id.load(SeqCst));
            accepted(&site.submit(&path, &fields))
        })
    }

    /// Adds a product by SQL, without the shop.
    pub fn add_by_hand(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            let row = format!("('{}', {number})", item.title);
            site.database.sql(&format!("INSERT INTO products (title, price_cents) VALUES {row}"));
            item.find(site, number)
        })
    }

    /// Edits a product by SQL, without the shop.
    pub fn edit_by_hand(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            let id = item.id.load(SeqCst);
            let update = format!("UPDATE products SET price_cents = {number} WHERE id = {id}");
            site.database.sql(&update);
            Ok(())
        })
    }

    /// Deletes a product by SQL, without the shop.
    pub fn remove_by_hand(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            item.is_removed_by(number);
            let id = item.id.load(SeqCst);
            site.database.sql(&format!("DELETE FROM products WHERE id = {id}"));
            Ok(())
        })
    }

    /// Requests a page that lists all products, and checks every price.
    pub fn look_at_list(&self, caller: &mut Caller, path: &str) -> Result<Page, Wrong> {
        let floors: Vec<_> = self.items.iter().map(|item| item.floor.load(SeqCst)).collect();
        let page = answered(caller.get(path))?;
        let html = page.html_or_wrong()?;
        for (item, floor) in self.items.iter().zip(floors) {
            item.judge(&page, floor, item.price_in(html))?;
        }
        Ok(page)
    }

    /// Requests the page of one product, and checks its price or its absence.
    pub fn look_at_one(&self, caller: &mut Caller, item: usize) -> Result<Page, Wrong> {
        let item = &self.items[item];
        // The floor is read before the id, so the id belongs to that floor or to a later one.
        let floor = item.floor.load(SeqCst);
        let page = caller.get(&format!("/products/{}", item.id.load(SeqCst)));
        if page.status == 404 {
            item.judge(&page, floor, None)?;
            return Ok(page);
        }
        let page = answered(page)?;
        item.judge(&page, floor, item.price_in(page.html_or_wrong()?))?;
        Ok(page)
    }

    /// Searches for one product, and checks its price or its absence.
    pub fn search(&self, caller: &mut Caller, item: usize) -> Result<Page, Wrong> {
        let item = &self.items[item];
        let floor = item.floor.load(SeqCst);
        let page = answered(caller.get(&item.search_path()))?;
        item.judge(&page, floor, item.price_in(page.html_or_wrong()?))?;
        Ok(page)
    }
}

impl Item {
    /// Numbers a change and performs it.
    ///
    /// The ceiling rises before the change begins, and the floor as soon as it is acknowledged.
    fn change(&self, make: impl FnOnce(&Self, u64) -> Result<(), Wrong>) -> Result<(), Wrong> {
        let number = self.floor.load(SeqCst) + 1;
        self.ceiling.store(number, SeqCst);
        make(self, number)?;
        self.floor.store(number, SeqCst);
        Ok(())
    }

    fn is_removed_by(&self, number: u64) {
        self.removals.lock().unwrap().push(number);
    }

    /// Stores the id of the product that this change added. The search must find it.
    fn find(&self, site: &TestSite, number: u64) -> Result<(), Wrong> {
        let page = answered(site.get(&self.search_path()))?;
        self.judge(&page, number, self.price_in(page.html_or_wrong()?))?;
        self.id.store(page.listed()[0], SeqCst);
        Ok(())
    }

    fn search_path(&self) -> String {
        format!("/?q={}", self.title.to_lowercase().replace(' ', "+"))
    }

    /// Returns the first price after the title, in cents.
    fn price_in(&self, html: &str) -> Option<u64> {
        let (_, after) = html.split_once(&format!(">{}</", self.title))?;
        let (_, price) = after.split_once('$')?;
        let price = price.chars().take_while(|c| c.is_ascii_digit() || ".,".contains(*c));
        price.filter(char::is_ascii_digit).collect::<String>().parse().ok()
    }

    /// Checks that the shown price was true at some time since the page was requested.
    fn judge(&self, page: &Page, floor: u64, shown: Option<u64>) -> Result<(), Wrong> {
        let possible = floor..=self.ceiling.load(SeqCst);
        let is_possible = match shown {
            Some(number) => possible.contains(&number),
            None => self.removals.lock().unwrap().iter().rev().any(|n| possible.contains(n)),
        };
        let says = || {
            let (asked, title, cache) = (&page.asked, &self.title, page.header("cache-status"));
            format!("{asked} shows {shown:?} of {title}, possible is {possible:?}: {cache:?}")
        };
        match shown {
            _ if is_possible => Ok(()),
            Some(number) if number > *possible.end() => Err(Wrong::Untrue(says())),
            _ => Err(Wrong::Stale(says())),
        }
    }
}

impl Page {
    fn html_or_wrong(&self) -> Result<&str, Wrong> {
        let wrong = |error| Wrong::Untrue(format!("{}: {error}", self.asked));
        std::str::from_utf8(&self.body).map_err(wrong)
    }
}

fn accepted(page: &Page) -> Result<(), Wrong> {
    if page.status == 303 { Ok(()) } else { Err(refused(page)) }
}

fn answered(page: Page) -> Result<Page, Wrong> {
    if page.status == 200 { Ok(page) } else { Err(refused(&page)) }
}

fn refused(page: &Page) -> Wrong {
    Wrong::Error(format!("{}: {}: {}", page.asked, page.status, page.excerpt()))
}

/// Formats cents as a person types them.
fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
