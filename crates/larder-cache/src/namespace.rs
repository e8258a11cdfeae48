//! The names of an application in a store: everything that it stores begins with its own name.
//!
//! | What | Complete name |
//! |---|---|
//! | an entry | `NAME:entry:BUILD:SETTINGS:TYPE:KEY` |
//! | the lock of an entry | the same, and `:lock` |
//! | a value | `NAME:values:VERSION:KEY` |
//! | a lock that a caller takes | `NAME:values:lock:KEY` |
//! | the lease of a value | `load:`, and the name of the value |
//!
//! - In a Redis Cluster each name begins with a tag, see `store/redis/names.rs`.
//! - A name has no colon, so the names of one application are never the beginning of another's.
//! - Another build is another namespace of entries: it may give the same key to another page. Values belong to
//!   the callers, and outlast builds.

use std::io::Read;
use std::sync::LazyLock;

use xxhash_rust::xxh3::Xxh3;

use super::random;

/// The name of an application that has not given its own.
pub(crate) const NAME: &str = "larder-cache";

/// The longest name in bytes; names in a store are bounded, too.
const LONGEST: usize = 64;

/// The namespace of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespace {
    name: String,
    /// The build; `None` stands for the running program.
    build: Option<String>,
    /// What else determines how entries look.
    settings: String,
}

impl Default for Namespace {
    fn default() -> Self {
        Self { name: NAME.to_owned(), build: None, settings: String::new() }
    }
}

impl Namespace {
    /// Sets the name of the application.
    ///
    /// # Panics
    /// If it cannot stand in a header and in the name of a key.
    pub(crate) fn set_name(&mut self, name: &str) {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
            && name.len() <= LONGEST
            && name.bytes().all(is_letter);
        assert!(
            is_name,
            "invalid name {name:?}: expected a letter, then letters, digits, `.`, `_` or `-`, at most \
             {LONGEST} in all"
        );
        name.clone_into(&mut self.name);
    }

    /// Sets the id of the build.
    pub(crate) fn set_build(&mut self, build: String) {
        self.build = Some(build);
    }

    /// Sets what else determines how entries look.
    pub(crate) fn set_settings(&mut self, settings: String) {
        self.settings = settings;
    }

    /// Returns the name of the application.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the beginning of the names of all entries, of every build.
    pub(crate) fn entries(&self) -> String {
        format!("{}:entry:", self.name)
    }

    /// Returns the beginning of the names of the entries of this build with these settings.
    pub(crate) fn entries_of_build(&self) -> String {
        let build = self.build.as_deref().unwrap_or_else(|| program());
        match self.settings.as_str() {
            "" => format!("{}{build}", self.entries()),
            settings => format!("{}{build}:{settings}", self.entries()),
        }
    }

    /// Returns the beginning of the names of all values, whatever their version.
    pub(crate) fn values(&self) -> String {
        format!("{}:values:", self.name)
    }
}

/// Returns an id of the running program: equal programs have equal ids.
///
/// It is the hash of the program's file. A program that cannot read its own file has a random id, and
/// shares entries with no other process.
pub(crate) fn program() -> &'static str {
    static PROGRAM: LazyLock<String> =
        LazyLock::new(|| format!("{:016x}", hash_of_program().unwrap_or_else(|_| random::u64())));
    &PROGRAM
}

fn hash_of_program() -> std::io::Result<u64> {
    let mut file = std::fs::File::open(std::env::current_exe()?)?;
    let (mut hasher, mut part) = (Xxh3::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hasher.digest()),
            read => hasher.update(&part[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_application_begins_with_the_names_of_another() {
        let fronts = |name| {
            let mut namespace = Namespace::default();
            namespace.set_name(name);
            [namespace.entries(), namespace.entries_of_build(), namespace.values()]
        };
        let names = ["blog", "blog2", "blog-values", "blog.entry", "b"];
        for one in names {
            for other in names.iter().filter(|other| **other != one) {
                for front in fronts(one) {
                    let begins = |theirs: &String| theirs.starts_with(&front);
                    assert!(!fronts(other).iter().any(begins), "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn a_name_that_no_header_could_carry_is_refused() {
        for name in ["", "1st", "my blog", "blog:entry", "blög", "a\"b", &"a".repeat(65)] {
            let refused = std::panic::catch_unwind(|| Namespace::default().set_name(name));
            assert!(refused.is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_id_of_the_program_is_the_hash_of_its_file() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(program(), format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&file)));
    }
}
