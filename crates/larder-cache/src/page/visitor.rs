//! The rules about what a handler learns of its visitor.
//!
//! Not here: cookies and headers by which pages are keyed (`rules`), and what is removed from requests (`request`).

use actix_web::dev::Extensions;

use super::rules::Rules;

impl Rules {
    /// Lets the handlers of shared pages see this extension, which middleware around the cache has added.
    ///
    /// They see no others, since most are derived from the visitor: a session, an account, a client's address.
    /// Name what all visitors have in common, or what does not show on the page, such as the number of a request.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use larder_cache::page::Rules;
    ///
    /// #[derive(Clone)]
    /// struct RequestId(u64);
    ///
    /// let rules = Rules::from(Duration::from_secs(300)).carry::<RequestId>();
    /// ```
    pub fn carry<T: Clone + 'static>(mut self) -> Self {
        self.carried.push(|from, to| {
            if let Some(known) = from.get::<T>() {
                to.insert(known.clone());
            }
        });
        self
    }

    /// Copies the extensions that handlers may see.
    pub(super) fn carry_over(&self, from: &Extensions, to: &mut Extensions) {
        self.carried.iter().for_each(|carry| carry(from, to));
    }
}
