//! Scans of keys, page by page.

use super::{Store, StoreError};

/// One page of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// Complete keys, in no particular order.
    pub keys: Vec<String>,
    /// Where the next page starts, in words that only the store reads; `None` on the last page.
    pub next: Option<String>,
}

/// Deletes page by page, so that neither the store nor this process ever holds all keys at once.
pub(super) async fn clear<S>(store: &S, prefix: &str) -> Result<u64, StoreError>
where
    S: Store + ?Sized,
{
    let mut removed = 0;
    let mut from = None;
    loop {
        let page = store.scan(prefix, from).await?;
        let keys: Vec<&str> = page.keys.iter().map(String::as_str).collect();
        removed += store.delete_many(&keys).await?;
        if page.next.is_none() {
            return Ok(removed);
        }
        from = page.next;
    }
}
