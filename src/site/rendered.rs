//! Which templates a request has rendered, for who wants to know.

use std::cell::RefCell;
use std::time::{Duration, Instant};

/// A template that was rendered.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The struct that it belongs to, `products::pages::IndexPage`.
    pub name: &'static str,
    /// When that began.
    pub began: Instant,
    /// How long it took, its fragments included.
    pub took: Duration,
    /// The length of what came of it.
    pub bytes: usize,
}

tokio::task_local! {
    static CURRENT: RefCell<Vec<Rendered>>;
}

/// Runs `work` and answers what it has rendered, in order.
pub async fn observe<T>(work: impl Future<Output = T>) -> (T, Vec<Rendered>) {
    CURRENT
        .scope(RefCell::default(), async {
            let done = work.await;
            (done, CURRENT.with(RefCell::take))
        })
        .await
}

/// Says that the template of `P` was rendered, beginning at `began`.
pub(super) fn tell<P>(began: Instant, bytes: usize) {
    let _ = CURRENT.try_with(|current| {
        let name = std::any::type_name::<P>();
        let name = name.split_once("::").map_or(name, |(_, path)| path);
        let took = began.elapsed();
        current.borrow_mut().push(Rendered { name, began, took, bytes });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_template_is_named_by_its_struct() {
        let ((), rendered) = observe(async { tell::<Rendered>(Instant::now(), 7) }).await;
        assert_eq!((rendered[0].name, rendered[0].bytes), ("site::rendered::Rendered", 7));
    }
}
