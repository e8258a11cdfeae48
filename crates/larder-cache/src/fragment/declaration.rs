//! Declarations: what a fragment is called, what it prints, and for how long it is kept.

use crate::key::{Key, KeyBuilder, Part};
use crate::policy::Policy;

/// A digest of a template's source, computed when the program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Of `source`, as `include_bytes!` gives it.
    pub const fn of(source: &[u8]) -> Self {
        Self(xxhash_rust::const_xxh3::xxh3_64(source))
    }
}

/// The declaration of a fragment.
#[derive(Debug)]
pub struct Fragment {
    key: KeyBuilder,
    pub(super) policy: Policy,
    pub(super) reads_data: bool,
    pub(super) is_personal: bool,
}

impl Fragment {
    /// A fragment that prints nothing that varies.
    ///
    /// Names are dotted nouns: `site.header`. `template` is the digest of the file that holds it.
    ///
    /// What Django finds out when a page is rendered does not compile here:
    ///
    /// ```compile_fail,E0061
    /// # use larder_cache::fragment::{Digest, Fragment};
    /// let without_a_lifetime = Fragment::new("site.header", Digest::of(b"v1"));
    /// ```
    pub fn new(name: &'static str, template: Digest, policy: Policy) -> Self {
        let key = Key::named(name).part("template", template.0);
        Self { key, policy, reads_data: false, is_personal: false }
    }

    /// Also prints `value`. Every value that the body prints must be named here, or be read by the load
    /// that is given to [`Prefetched::load`](super::Prefetched::load).
    ///
    /// Source: the arguments of Django's `{% cache %}`.
    pub fn vary_on(mut self, label: &'static str, value: impl Part) -> Self {
        self.key = self.key.part(label, value);
        self
    }

    /// Also prints what a load reads: [`Prefetched::load`](super::Prefetched::load). Worth a place in the
    /// store that instances share.
    pub fn reads_data(mut self) -> Self {
        self.reads_data = true;
        self
    }

    /// May print what is one visitor's own ([`Personal`](super::Personal)): the visitor is among what it
    /// varies on.
    pub fn personal(mut self) -> Self {
        self.is_personal = true;
        self
    }

    /// The key under which it is kept. Source: Django's `make_template_fragment_key`.
    pub fn key(self) -> Key {
        self.key.build()
    }
}

/// A page whose template holds fragments.
pub trait Fragments: askama::Template {
    /// The fragments that the template will ask for, each by the method that declares it.
    fn fragments(&self) -> Vec<Fragment>;
}
