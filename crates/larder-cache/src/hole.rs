//! Holes: the small places of a shared page that are filled for each visitor.
//!
//! - While a page is rendered, a hole is printed as a marker, which holds a random number of that render. Afterwards
//!   the markers are cut out, and their places noted. What is stored, and what is sent, has no marker.
//! - A text that a visitor has written cannot imitate a marker: the number is drawn for each render, and no client
//!   gets to see it.
//! - A marker has letters, digits and hyphens only. So no template engine changes it, and it may stand in an attribute.
//! - A fragment cannot have holes, since it is stored without the page's.
//!
//! Not here: who fills them (`page::visitor`).

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::random;
use crate::sync::task_local;

/// How a marker begins.
const START: &str = "hole-";

/// How a marker ends.
const END: char = '-';

task_local! {
    /// The render that this task runs, if its holes are filled.
    static RENDER: Option<Render>;
}

thread_local! {
    /// Whether a fragment is being rendered.
    static IS_IN_FRAGMENT: Cell<bool> = const { Cell::new(false) };
}

/// A random number that distinguishes the markers of one render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Render(u64, u64);

/// A hole in a text: where it is, in bytes, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hole {
    pub at: usize,
    pub name: String,
}

impl Render {
    /// Draws the number of a new render.
    pub(crate) fn new() -> Self {
        Self(random::u64(), random::u64())
    }

    /// Runs `work`, in which holes are printed as markers of `render`; without one they are not printed.
    ///
    /// What is around a page cache without holes must not leave its markers in a stored page.
    pub(crate) async fn run<W: Future>(render: Option<Self>, work: W) -> W::Output {
        RENDER.scope(render, work).await
    }

    /// Cuts the markers of this render out of `text`; returns `None` if there are none.
    pub(crate) fn cut(self, text: &[u8]) -> Option<(Vec<u8>, Vec<Hole>)> {
        let start = self.to_string();
        let (mut left, mut holes, mut rest) = (Vec::new(), Vec::new(), text);
        while let Some(at) = find(rest, start.as_bytes()) {
            let after = &rest[at + start.len()..];
            let length = after.iter().position(|byte| !is_of_a_name(*byte)).unwrap_or(after.len());
            left.extend_from_slice(&rest[..at]);
            // Cannot replace a letter: names are ASCII.
            let name = String::from_utf8_lossy(&after[..length]).into_owned();
            holes.push(Hole { at: left.len(), name });
            rest = &after[(length + END.len_utf8()).min(after.len())..];
        }
        left.extend_from_slice(rest);
        (!holes.is_empty()).then_some((left, holes))
    }
}

impl fmt::Display for Render {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{START}{:016x}{:016x}-", self.0, self.1)
    }
}

/// Reports whether a byte may be part of the name of a hole.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Reports whether this may be the name of a hole.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_of_a_name)
}

fn find(text: &[u8], start: &[u8]) -> Option<usize> {
    text.windows(start.len()).position(|window| window == start)
}

/// Prints the hole of this name as a marker, and reports whether holes are filled here; prints nothing if not.
///
/// Fails within a fragment.
pub(crate) fn print(name: &str, to: &mut impl fmt::Write) -> Result<bool, fmt::Error> {
    if IS_IN_FRAGMENT.get() {
        tracing::error!(
            name,
            "a hole is in a fragment, which is stored for other pages: put it outside"
        );
        return Err(fmt::Error);
    }
    match RENDER.try_with(|render| *render) {
        Ok(Some(render)) => write!(to, "{render}{name}{END}").map(|()| true),
        _ => Ok(false),
    }
}

/// Renders the body of a fragment.
pub(crate) fn within_fragment<T>(render: impl FnOnce() -> T) -> T {
    /// Restores the previous state, even if rendering panics.
    struct Outside(bool);
    impl Drop for Outside {
        fn drop(&mut self) {
            IS_IN_FRAGMENT.set(self.0);
        }
    }
    let _outside = Outside(IS_IN_FRAGMENT.replace(true));
    render()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(&'static str);
    impl fmt::Display for Named {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            print(self.0, f).map(drop)
        }
    }

    fn hole(at: usize, name: &str) -> Hole {
        Hole { at, name: name.to_owned() }
    }

    #[tokio::test]
    async fn the_markers_of_a_render_are_cut_out() {
        let render = Render::new();
        let text = async { format!("{}Hello, {}! <{}>", Named("a"), Named("name_1"), Named("a")) };
        let text = Render::run(Some(render), text).await;
        let (left, holes) = render.cut(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(left).unwrap(), "Hello, ! <>");
        assert_eq!(holes, [hole(0, "a"), hole(7, "name_1"), hole(10, "a")]);
        assert_eq!(render.cut(b"Hello"), None);
        assert_eq!(render.cut(b""), None);
        let within = Render::run(None, async { Named("a").to_string() });
        assert_eq!(Render::run(Some(render), within).await, "");
        assert_eq!(format!("{}", Named("a")), "", "no hole is filled here");
    }

    #[test]
    fn only_a_render_knows_its_markers() {
        let (render, other) = (Render::new(), Render::new());
        for text in [format!("{other}name-"), format!("{START}{:032x}-name-", 0), START.to_owned()]
        {
            assert_eq!(render.cut(text.as_bytes()), None, "{text}");
        }
        // The text is cut off in a marker.
        let (left, holes) = render.cut(format!("x{render}nam").as_bytes()).unwrap();
        assert_eq!((left, holes), (b"x".to_vec(), vec![hole(1, "nam")]));
    }

    #[test]
    fn markers_survive_templates() {
        let marker = format!("{}name{END}", Render::new());
        assert!(marker.bytes().all(|byte| is_of_a_name(byte) || byte == b'-'), "{marker}");
        assert!(is_name("csrf_1") && !is_name("") && !is_name("a-b") && !is_name("ü"));
    }
}
