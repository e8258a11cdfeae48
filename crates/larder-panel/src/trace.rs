//! The calls that led to a statement or a lookup: own frames first.
//!
//! - They are collected only where the application asks for it ([`crate::Panel::traces`]): each takes longer than a hit.
//! - The application says which crates are its own. Sources and lines are known only with debug information.
//! - Names are looked up when a trace is shown.

use std::backtrace::Backtrace;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The crates of the application.
static OWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Collects the calls in this process from now on, if any crate is the application's own.
pub(crate) fn switch(own: &[&'static str]) {
    let is_on = !own.is_empty();
    *OWN.lock().unwrap() = own.to_vec();
    IS_ON.store(is_on, Ordering::Relaxed);
    #[cfg(feature = "sql")]
    larder_sql::db::log::trace(is_on);
}

/// The calls that were under way.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Backtrace>);

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub function: String,
    /// `src/posts/queries.rs:12:9`; empty if it is unknown.
    pub place: String,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

#[cfg(feature = "sql")]
impl From<Arc<Backtrace>> for Trace {
    fn from(trace: Arc<Backtrace>) -> Self {
        Self(trace)
    }
}

impl Trace {
    /// Collects the calls that are under way, if that is on.
    pub(crate) fn here() -> Option<Self> {
        let is_on = IS_ON.load(Ordering::Relaxed);
        is_on.then(|| Self(Arc::new(Backtrace::force_capture())))
    }

    /// Returns the frames of the application, and all others, each innermost first.
    pub(crate) fn frames(&self) -> (Vec<Frame>, Vec<Frame>) {
        let own = OWN.lock().unwrap().clone();
        frames(&self.0.to_string()).into_iter().partition(|frame| frame.is_of(&own))
    }
}

impl Frame {
    /// Reports whether the function belongs to one of these crates.
    fn is_of(&self, crates: &[&str]) -> bool {
        let path = self.function.trim_start_matches(['<', '&']);
        let name = path.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next();
        name.is_some_and(|name| crates.contains(&name))
    }
}

/// Parses a printed backtrace: `12: function`, and where it is known the next line `at place`.
fn frames(text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim) {
        let numbered = line.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok());
        match (line.strip_prefix("at "), numbered, frames.last_mut()) {
            (Some(place), _, Some(frame)) => {
                place.trim_start_matches("./").clone_into(&mut frame.place);
            }
            (_, Some((_, function)), _) => {
                frames.push(Frame { function: function.to_owned(), place: String::new() });
            }
            _ => {}
        }
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_frames_are_told_apart() {
        let text = "   0: std::backtrace::Backtrace::create\n             at /rustc/a/library/std/src/b.rs:331:13\n\
                    1: <blog::posts::List as core::future::Future>::poll\n             at ./src/posts.rs:12:9\n\
                    2: tokio::runtime::park\n\
                    3: blog::main\n\
                    4: blogger::main\n";
        let of_blog = |frame: &Frame| frame.is_of(&["blog"]);
        let (own, others): (Vec<_>, Vec<_>) = frames(text).into_iter().partition(of_blog);
        let places: Vec<_> = own.iter().map(|frame| frame.place.as_str()).collect();
        assert_eq!(places, ["src/posts.rs:12:9", ""]);
        assert_eq!(others.len(), 3);
    }

    #[test]
    fn this_test_is_among_its_own_frames() {
        let trace = frames(&Backtrace::force_capture().to_string());
        let is_this = |frame: &Frame| frame.function.contains("this_test_is_among");
        assert!(trace.iter().any(|frame| is_this(frame) && frame.is_of(&["larder_panel"])));
    }
}
