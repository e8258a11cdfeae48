//! Links to the pages of a list.

use crate::error::AppError;

/// Pages shown on either side of the current one.
const NEIGHBOURS: u64 = 2;

/// The pages of a list, and the links to them.
#[derive(Debug)]
pub struct Pagination {
    /// The current page, from 1.
    pub page: u64,
    /// The last page, at least 1.
    pub last: u64,
    path: String,
    query: Vec<(&'static str, String)>,
}

/// An item among the page links.
#[derive(Debug, PartialEq, Eq)]
pub enum PageLink {
    /// A link to a page.
    Page {
        /// Its number.
        number: u64,
        /// Its address.
        href: String,
        /// Whether it is the current one.
        is_current: bool,
    },
    /// Omitted pages.
    Gap,
}

/// Parses a page number from 1; empty text is page 1.
///
/// A number is accepted in one spelling only: `2`, not `02`.
pub fn page_number(text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(1);
    }
    let page: u64 = text.parse().ok()?;
    (page > 0 && page.to_string() == text).then_some(page)
}

impl Pagination {
    /// Creates the pages of `total` rows, `size` on each; the links also carry `query`.
    pub fn new(
        page: u64,
        total: u64,
        size: u64,
        path: impl Into<String>,
        query: Vec<(&'static str, String)>,
    ) -> Self {
        Self { page, last: total.div_ceil(size).max(1), path: path.into(), query }
    }

    /// Whether the current page exists; page 1 always does.
    pub fn has_page(&self) -> bool {
        (1..=self.last).contains(&self.page)
    }

    /// Returns these pages if the current one exists.
    ///
    /// # Errors
    /// [`AppError::NoPage`].
    pub fn checked(self) -> Result<Self, AppError> {
        if self.has_page() {
            Ok(self)
        } else {
            Err(AppError::NoPage { last: self.href(self.last) })
        }
    }

    /// Whether there is more than one page.
    pub fn has_several(&self) -> bool {
        self.last > 1
    }

    /// Returns the address of the previous page.
    pub fn previous(&self) -> Option<String> {
        (self.page > 1).then(|| self.href(self.page - 1))
    }

    /// Returns the address of the next page.
    pub fn next(&self) -> Option<String> {
        (self.page < self.last).then(|| self.href(self.page + 1))
    }

    /// Returns the links to the first page, the last one, and those around the current one.
    pub fn links(&self) -> Vec<PageLink> {
        let first = self.page.saturating_sub(NEIGHBOURS).max(1);
        let end = (self.page + NEIGHBOURS).min(self.last);
        let mut numbers: Vec<u64> = (first..=end).collect();
        numbers.extend([1, self.last]);
        numbers.sort_unstable();
        numbers.dedup();
        let mut links = Vec::with_capacity(numbers.len() + 2);
        let mut previous = 0;
        for number in numbers {
            match number - previous {
                0 | 1 => {}
                // A gap of one page takes the room of its link, so the link is shown.
                2 => links.push(self.link(number - 1)),
                _ => links.push(PageLink::Gap),
            }
            links.push(self.link(number));
            previous = number;
        }
        links
    }

    fn link(&self, number: u64) -> PageLink {
        PageLink::Page { number, href: self.href(number), is_current: number == self.page }
    }

    fn href(&self, number: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        if number > 1 {
            query.append_pair("page", &number.to_string());
        }
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}{separator}{query}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: u64, last: u64) -> String {
        let pagination = Pagination::new(page, last * 25, 25, "/", Vec::new());
        let show = |link| match link {
            PageLink::Page { number, is_current: true, .. } => format!("[{number}]"),
            PageLink::Page { number, .. } => number.to_string(),
            PageLink::Gap => "…".to_owned(),
        };
        pagination.links().into_iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_first_the_last_and_the_neighbours_are_shown() {
        let cases = [
            ((1, 1), "[1]"),
            ((1, 5), "[1] 2 3 4 5"),
            ((2, 40), "1 [2] 3 4 … 40"),
            ((5, 40), "1 2 3 4 [5] 6 7 … 40"),
            ((20, 40), "1 … 18 19 [20] 21 22 … 40"),
            ((40, 40), "1 … 38 39 [40]"),
        ];
        for ((page, last), expected) in cases {
            assert_eq!(shown(page, last), expected);
        }
    }

    #[test]
    fn links_carry_the_search_and_the_first_page_has_no_number() {
        let query = vec![("q", "tea & milk".to_owned())];
        let pages = Pagination::new(2, 75, 25, "/", query);
        assert_eq!(pages.previous().as_deref(), Some("/?q=tea+%26+milk"));
        assert_eq!(pages.next().as_deref(), Some("/?q=tea+%26+milk&page=3"));
    }

    #[test]
    fn a_list_without_rows_has_one_page() {
        assert!(Pagination::new(1, 0, 25, "/", Vec::new()).has_page());
        assert!(!Pagination::new(2, 25, 25, "/", Vec::new()).has_page());
        assert!(!Pagination::new(0, 25, 25, "/", Vec::new()).has_page());
    }
}
