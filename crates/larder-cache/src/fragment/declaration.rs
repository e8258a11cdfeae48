//! Declarations of fragments: their names, the values they print, and their policies.

use crate::key::{Key, KeyBuilder, Part};
use crate::policy::Policy;

/// A digest of a template's source, computed when the program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// Computes the digest of `source`, as `include_bytes!` returns it.
    pub const fn of(source: &[u8]) -> Self {
        Self(xxhash_rust::const_xxh3::xxh3_64(source))
    }
}

/// The declaration of a fragment.
#[derive(Debug, Clone)]
pub struct Fragment {
    pub(super) key: KeyBuilder,
    pub(super) policy: Policy,
    pub(super) reads_data: bool,
    pub(super) is_personal: bool,
}

impl Fragment {
    /// Declares a fragment that prints no values.
    ///
    /// Names are dotted nouns: `site.header`. `template` is the digest of the file that contains
    /// it.
    ///
    /// A wrong declaration, which Django reports when a page is rendered, does not compile here:
    ///
    /// ```compile_fail,E0061
    /// # use larder_cache::fragment::{Digest, Fragment};
    /// let without_a_lifetime = Fragment::new("site.header", Digest::of(b"v1"));
    /// ```
    pub fn new(name: &'static str, template: Digest, policy: Policy) -> Self {
        let key = Key::named(name).part("template", template.0);
        Self { key, policy, reads_data: false, is_personal: false }
    }

    /// Adds a value that the body prints.
    ///
    /// Every value that the body prints must be named here, or be read by the load that is given to
    /// [`Prefetched::load`](super::Prefetched::load).
    ///
    /// Source: the arguments of Django's `{% cache %}`.
    pub fn vary_on(mut self, label: &'static str, value: impl Part) -> Self {
        self.key = self.key.part(label, value);
        self
    }

    /// Declares that the body prints what a load reads
    /// ([`Prefetched::load`](super::Prefetched::load)).
    ///
    /// Such a fragment is worth storing in the shared tier.
    pub fn reads_data(mut self) -> Self {
        self.reads_data = true;
        self
    }

    /// Permits the body to print one visitor's own values ([`Personal`](super::Personal)).
    ///
    /// The visitor must be among the values that the fragment varies on.
    pub fn personal(mut self) -> Self {
        self.is_personal = true;
        self
    }

    /// Returns the key of the fragment. Source: Django's `make_template_fragment_key`.
    pub fn key(self) -> Key {
        self.key.build()
    }
}
