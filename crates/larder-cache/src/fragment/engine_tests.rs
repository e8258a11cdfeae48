//! Fragments of other template engines than askama.

use std::cell::Cell;
use std::fmt::Write;
use std::time::Duration;

use super::{Digest, Fragment, Html, Personal};
use crate::{Cache, Policy};

const MINUTE: Policy = Policy::fresh_for(Duration::from_secs(60));

fn named(name: &'static str) -> Fragment {
    Fragment::new(name, Digest::of(b"1"), MINUTE)
}

#[tokio::test]
async fn a_fragment_is_rendered_once_and_deleted_as_any_other() {
    let (cache, renders) = (Cache::in_memory(), Cell::new(0));
    let show = async || {
        let render = || {
            renders.set(renders.get() + 1);
            Html::from_escaped("<b>tea</b>")
        };
        cache.fragment(named("test.tea"), render).await.unwrap().as_str().to_owned()
    };
    assert_eq!([show().await, show().await], ["<b>tea</b>"; 2]);
    assert_eq!(renders.get(), 1);
    assert!(cache.delete_fragment(named("test.tea")).await.unwrap());
    show().await;
    assert_eq!(renders.get(), 2);
}

/// As maud does, which drops the error of a value that it prints.
fn printed() -> Html {
    let mut html = "Hello, ".to_owned();
    let _ = write!(html, "{}", Personal("Ann"));
    Html::from_escaped(html)
}

/// As minijinja and tera do, which take values by serde.
fn serialized() -> Html {
    Html::from_escaped(serde_json::to_string(&Personal("Ann")).unwrap_or_default())
}

#[tokio::test]
async fn a_personal_value_is_refused_in_a_shared_fragment_even_if_the_engine_goes_on() {
    let cache = Cache::in_memory();
    for (name, render) in [("test.printed", printed as fn() -> Html), ("test.taken", serialized)] {
        for _ in 0..2 {
            assert!(cache.fragment(named(name), render).await.is_err(), "{name}");
        }
        let own = || named(name).vary_on("visitor", 1).personal();
        assert!(cache.fragment(own(), render).await.unwrap().as_str().contains("Ann"));
        // Neither what was refused nor what was permitted is left for the next fragment.
        let other = cache.fragment(named("test.other"), || Html::from_escaped("tea")).await;
        assert_eq!(other.unwrap().as_str(), "tea");
        cache.delete_fragment(named("test.other")).await.unwrap();
    }
}
