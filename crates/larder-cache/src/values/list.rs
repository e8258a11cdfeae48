//! Operations on all keys: listing, deleting by pattern, clearing.

use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};

use super::call::{CallOutcome, Operation};
use super::pattern::Pattern;
use super::{Error, Values};
use crate::store::{Leased, budget};

impl Values {
    /// Lists the keys of this version, page by page, as the key function returned them.
    ///
    /// A long key is listed in its shortened form. A key that exists during the whole scan is
    /// listed at least once; Redis may list it twice. A key that is added or removed meanwhile may
    /// be listed or not.
    ///
    /// # Source
    /// django-redis `iter_keys`.
    pub fn iter_keys(&self) -> BoxStream<'_, Result<String, Error>> {
        let front = self.front();
        self.pages(front.clone())
            .map_ok(move |names| {
                let keys = names.into_iter();
                let keys = keys.map(|name| Ok(name[front.len()..].to_owned()));
                stream::iter(keys.collect::<Vec<_>>())
            })
            .try_flatten()
            .boxed()
    }

    /// Deletes the keys of this version that match a pattern, and returns how many there were.
    ///
    /// `*` matches any text, `?` one character, and `\` escapes the next character.
    ///
    /// # Source
    /// django-redis `delete_pattern`.
    pub async fn delete_pattern(&self, pattern: &str) -> Result<u64, Error> {
        let call = self.begin(Operation::DeletePattern);
        let deleted = self.delete_matching(pattern).await;
        let name = format_args!("{}{pattern}", self.front());
        call.answer(name, deleted, |there| CallOutcome::done(*there > 0))
    }

    async fn delete_matching(&self, pattern: &str) -> Result<u64, Error> {
        // Leases first: a load either stored its value before its lease was deleted, and the second
        // walk deletes that value, or it can no longer store one.
        self.delete_beginning(&Leased::key_of(&self.front()), pattern).await?;
        let deleted = self.delete_beginning(&self.front(), pattern).await;
        self.shared.flights.close_all();
        deleted
    }

    /// Deletes the names that begin with `front` and continue with a match of `pattern`.
    async fn delete_beginning(&self, front: &str, pattern: &str) -> Result<u64, Error> {
        let pattern = Pattern::of(pattern);
        let mut pages = self.pages(front.to_owned() + &pattern.head());
        let mut deleted = 0;
        while let Some(mut names) = pages.try_next().await? {
            names.retain(|name| pattern.matches(&name[front.len()..]));
            deleted += budget::without_budget(self.delete_names(&names)).await?;
        }
        Ok(deleted)
    }

    /// Deletes all values (of every version) and locks of this cache, and returns their number.
    ///
    /// Other keys in the store stay.
    ///
    /// # Source
    /// Django `clear`, which on Redis empties the whole database.
    pub async fn clear(&self) -> Result<u64, Error> {
        let call = self.begin(Operation::Clear);
        let cleared = self.store().clear(&self.front).await;
        self.shared.flights.close_all();
        let cleared = cleared.map_err(|e| self.failed(e));
        call.answer(&*self.front, cleared, |_| CallOutcome::Done)
    }

    /// Lists the names that begin with `front`, page by page, without the request's budget.
    fn pages(&self, front: String) -> BoxStream<'_, Result<Vec<String>, Error>> {
        let start = Some((front, None::<String>));
        stream::try_unfold(start, move |state| async move {
            let Some((front, from)) = state else {
                return Ok(None);
            };
            let page = budget::without_budget(self.store().scan(&front, from)).await;
            let page = page.map_err(|e| self.failed(e))?;
            let rest = page.next.map(|next| (front, Some(next)));
            Ok(Some((page.keys, rest)))
        })
        .boxed()
    }
}
