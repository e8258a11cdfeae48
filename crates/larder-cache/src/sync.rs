//! The synchronisation primitives of the core.
//!
//! They are those of the standard library and tokio. With the feature `schedules` they are
//! shuttle's, which decides which task runs next, so that `tests/schedules.rs` can run the same
//! source in thousands of orders.

use std::sync::Arc;

use tokio::sync::watch;

#[cfg(not(feature = "schedules"))]
pub(super) use real::*;
#[cfg(feature = "schedules")]
pub(super) use scheduled::*;

/// An event that happens at most once. Clones are the same signal.
#[derive(Debug, Clone)]
pub(super) struct Signal(Arc<watch::Sender<bool>>);

impl Default for Signal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Signal {
    /// Signals the event.
    pub(crate) fn set(&self) {
        self.0.send_replace(true);
    }

    /// Reports whether the event has happened.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the event has happened.
    pub(crate) async fn wait(&self) {
        // Its sender is `self.0`, so it cannot be gone.
        let _ = self.0.subscribe().wait_for(|is_set| *is_set).await;
    }
}

#[cfg(not(feature = "schedules"))]
mod real {
    pub(crate) use std::sync::{Mutex, atomic::AtomicU64};
    use std::time::Duration;

    pub(crate) use tokio::task_local;

    /// Returns the result of `work`, unless it takes longer than `patience`.
    pub(crate) async fn timeout<W: Future>(patience: Duration, work: W) -> Option<W::Output> {
        tokio::time::timeout(patience, work).await.ok()
    }
}

#[cfg(feature = "schedules")]
mod scheduled {
    use std::cell::RefCell;
    use std::future::poll_fn;
    use std::marker::PhantomData;
    use std::pin::pin;
    use std::time::Duration;

    use shuttle::thread::LocalKey;

    pub(crate) use shuttle::sync::{Mutex, atomic::AtomicU64};

    /// Returns the result of `work`: shuttle has no time.
    pub(crate) async fn timeout<W: Future>(_: Duration, work: W) -> Option<W::Output> {
        Some(work.await)
    }

    /// The part of tokio's task locals that is used here, on shuttle's threads.
    pub(crate) struct TaskLocal<T: 'static>(LocalKey<RefCell<Option<T>>>);

    impl<T: Clone> TaskLocal<T> {
        pub(crate) const fn new() -> Self {
            Self(LocalKey { init: || RefCell::new(None), _p: PhantomData })
        }

        pub(crate) async fn scope<W: Future>(&'static self, value: T, work: W) -> W::Output {
            let mut work = pin!(work);
            poll_fn(|context| {
                let outside = self.0.with(|slot| slot.replace(Some(value.clone())));
                let polled = work.as_mut().poll(context);
                self.0.with(|slot| slot.replace(outside));
                polled
            })
            .await
        }

        pub(crate) fn sync_scope<R>(&'static self, value: T, work: impl FnOnce() -> R) -> R {
            let outside = self.0.with(|slot| slot.replace(Some(value)));
            let done = work();
            self.0.with(|slot| slot.replace(outside));
            done
        }

        pub(crate) fn try_with<R>(&'static self, read: impl FnOnce(&T) -> R) -> Result<R, ()> {
            let value = self.0.with(|slot| slot.borrow().clone());
            value.as_ref().map(read).ok_or(())
        }
    }

    macro_rules! task_local {
        ($(#[$about:meta])* static $name:ident: $kept:ty;) => {
            $(#[$about])*
            static $name: crate::sync::TaskLocal<$kept> = crate::sync::TaskLocal::new();
        };
    }
    pub(crate) use task_local;
}
