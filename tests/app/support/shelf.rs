//! Products whose price is the number of their last change, and what may be seen of them.
//!
//! - A product's changes are numbered from 1, and a change writes its number as the price in cents.
//! - Each product has one writer at a time; all may read.
//! - *Floor*: the last acknowledged change. Whoever asks thereafter may not see an earlier one.
//! - *Ceiling*: the last change that was begun. Nobody can see a later one.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::caller::Caller;
use super::page::Page;
use super::site::TestSite;

pub struct Shelf {
    items: Vec<Item>,
}

struct Item {
    title: String,
    /// The product that it is, or was last.
    id: AtomicU64,
    floor: AtomicU64,
    ceiling: AtomicU64,
    /// The changes that took it off the shelf.
    removals: Mutex<Vec<u64>>,
}

/// What must not be.
#[derive(Debug)]
pub enum Wrong {
    /// The shop refused what it should have answered.
    Error(String),
    /// It showed a state before one that was acknowledged.
    Stale(String),
    /// It showed what never was.
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
    /// A shelf of so many products.
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

    /// How many changes were acknowledged, those that put the products here among them.
    pub fn changes(&self) -> u64 {
        self.items.iter().map(|item| item.floor.load(SeqCst)).sum()
    }

    /// Adds a product that is not there.
    pub fn add(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            accepted(&site.adds(&item.title, &dollars(number)))?;
            item.find(site, number)
        })
    }

    /// Writes the next number as the price of a product that is there.
    pub fn edit(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            let (price, was_price) = (dollars(number), dollars(number - 1));
            let fields = [
                ("title", item.title.as_str()),
                ("price", &price),
                ("was_title", &item.title),
                ("was_price", &was_price),
            ];
            let path = format!("/products/{}", item.id.load(SeqCst));
            accepted(&site.submit(&path, &fields))
        })
    }

    /// Deletes a product that is there.
    pub fn remove(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            item.is_removed_by(number);
            let was_price = dollars(number - 1);
            let fields = [("was_title", item.title.as_str()), ("was_price", &was_price)];
            let path = format!("/products/{}/delete", item.id.load(SeqCst));
            accepted(&site.submit(&path, &fields))
        })
    }

    /// Adds a product by hand.
    pub fn add_by_hand(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            let row = format!("('{}', {number})", item.title);
            site.database.sql(&format!("INSERT INTO products (title, price_cents) VALUES {row}"));
            item.find(site, number)
        })
    }

    /// Edits a product by hand.
    pub fn edit_by_hand(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            let id = item.id.load(SeqCst);
            let update = format!("UPDATE products SET price_cents = {number} WHERE id = {id}");
            site.database.sql(&update);
            Ok(())
        })
    }

    /// Deletes a product by hand.
    pub fn remove_by_hand(&self, site: &TestSite, item: usize) -> Result<(), Wrong> {
        self.items[item].change(|item, number| {
            item.is_removed_by(number);
            let id = item.id.load(SeqCst);
            site.database.sql(&format!("DELETE FROM products WHERE id = {id}"));
            Ok(())
        })
    }

    /// Looks at a page that lists the whole shelf.
    pub fn look_at_list(&self, caller: &mut Caller, path: &str) -> Result<Page, Wrong> {
        let floors: Vec<_> = self.items.iter().map(|item| item.floor.load(SeqCst)).collect();
        let page = answered(caller.get(path))?;
        let html = page.html_or_wrong()?;
        for (item, floor) in self.items.iter().zip(floors) {
            item.judge(&page, floor, item.price_in(html))?;
        }
        Ok(page)
    }

    /// Looks at the page of one product, or at its absence.
    pub fn look_at_one(&self, caller: &mut Caller, item: usize) -> Result<Page, Wrong> {
        let item = &self.items[item];
        // In this order: whoever sees the floor sees the id that belongs to it, or a later one.
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

    /// Searches for one product.
    pub fn search(&self, caller: &mut Caller, item: usize) -> Result<Page, Wrong> {
        let item = &self.items[item];
        let floor = item.floor.load(SeqCst);
        let page = answered(caller.get(&item.search_path()))?;
        item.judge(&page, floor, item.price_in(page.html_or_wrong()?))?;
        Ok(page)
    }
}

impl Item {
    /// Numbers a change. The floor rises as soon as it is acknowledged, before anything else.
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

    /// Learns the id of the product that was added by this change, which has to be there.
    fn find(&self, site: &TestSite, number: u64) -> Result<(), Wrong> {
        let page = answered(site.get(&self.search_path()))?;
        self.judge(&page, number, self.price_in(page.html_or_wrong()?))?;
        self.id.store(page.listed()[0], SeqCst);
        Ok(())
    }

    fn search_path(&self) -> String {
        format!("/?q={}", self.title.to_lowercase().replace(' ', "+"))
    }

    /// The first price after the title, in cents.
    fn price_in(&self, html: &str) -> Option<u64> {
        let (_, after) = html.split_once(&format!(">{}</", self.title))?;
        let (_, price) = after.split_once('$')?;
        let price = price.chars().take_while(|c| c.is_ascii_digit() || *c == '.');
        price.filter(char::is_ascii_digit).collect::<String>().parse().ok()
    }

    /// Whether what a page shows was true at some time since the page was asked for.
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

/// Cents as somebody types them.
fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
