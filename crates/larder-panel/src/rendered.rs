//! Records which templates a request has rendered, for the toolbar.

use std::cell::RefCell;
use std::time::{Duration, Instant};

/// A template that was rendered.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    /// The struct of the template, such as `posts::pages::IndexPage`.
    pub name: &'static str,
    /// When rendering began.
    pub began: Instant,
    /// How long rendering took, including fragments.
    pub took: Duration,
    /// The length of the output.
    pub bytes: usize,
}

tokio::task_local! {
    static CURRENT: RefCell<Vec<Rendered>>;
}

/// Runs `work`; returns its output and the templates that it rendered, in order.
pub(crate) async fn observe<T>(work: impl Future<Output = T>) -> (T, Vec<Rendered>) {
    CURRENT
        .scope(RefCell::default(), async {
            let done = work.await;
            (done, CURRENT.with(RefCell::take))
        })
        .await
}

/// Records that the template of `P` was rendered, beginning at `began`.
pub fn record<P>(began: Instant, bytes: usize) {
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
        let ((), rendered) = observe(async { record::<Rendered>(Instant::now(), 7) }).await;
        assert_eq!((rendered[0].name, rendered[0].bytes), ("rendered::Rendered", 7));
    }
}
