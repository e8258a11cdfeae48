//! Links to the pages of a list.

use crate::error::PanelError;

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
    ///
    /// # Errors
    /// [`PanelError::NoPage`] if there is no such page; the first always exists.
    pub fn new(
        page: u64,
        (total, size): (u64, u64),
        path: String,
        query: Vec<(&'static str, String)>,
    ) -> Result<Self, PanelError> {
        let last = total.div_ceil(size).max(1);
        match (1..=last).contains(&page) {
            true => Ok(Self { page, last, path, query }),
            false => Err(PanelError::NoPage),
        }
    }

    /// Returns the address of the previous page.
    pub fn previous(&self) -> Option<String> {
        (self.page > 1).then(|| self.href(self.page - 1))
    }

    /// Returns the address of the next page.
    pub fn next(&self) -> Option<String> {
        (self.page < self.last).then(|| self.href(self.page + 1))
    }

    fn href(&self, number: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query).append_pair("page", &number.to_string());
        format!("{}?{}", self.path, query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_pages_around_and_carry_the_search() {
        let pages = |page| Pagination::new(page, (30, 25), "/a".into(), vec![("q", "t a".into())]);
        assert_eq!(pages(1).unwrap().next().as_deref(), Some("/a?q=t+a&page=2"));
        assert_eq!(pages(1).unwrap().previous(), None);
        assert_eq!(pages(2).unwrap().previous().as_deref(), Some("/a?q=t+a&page=1"));
        assert!(pages(2).unwrap().next().is_none() && pages(3).is_err());
    }

    #[test]
    fn a_number_has_one_spelling() {
        let cases = [("", Some(1)), ("2", Some(2)), ("02", None), ("0", None), ("x", None)];
        cases
            .iter()
            .for_each(|(text, expected)| assert_eq!(page_number(text), *expected, "{text}"));
    }
}
