//! The dependency graph of a crate's modules, and the cycles in it.
//!
//! - A module is a file; it depends on each file whose items it names.
//! - A name that a module only re-exports belongs to the file that defines it.
//! - Tests do not count: they may depend on everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// The modules of one crate.
pub struct Graph {
    /// For each module, the modules that it depends on, and by which names.
    edges: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

impl Graph {
    /// Builds the graph of these files, which are all files of one crate.
    pub fn of(sources: &[Source]) -> Self {
        let modules: BTreeMap<String, &Source> =
            sources.iter().map(|source| (path_of(source), source)).collect();
        let names = Names { exports: exports(&modules), modules: modules.keys().collect() };
        let edges = modules.iter().map(|(path, source)| {
            let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for name in source.names_outside_tests().iter().filter(|name| !name.is_exported) {
                if let Some(module) = names.home_of(&name.parts).filter(|module| module != path) {
                    known.entry(module).or_default().insert(name.parts.join("::"));
                }
            }
            (path.clone(), known)
        });
        Self { edges: edges.collect() }
    }

    /// Describes each cycle: its modules, and the names by which each depends on the next.
    pub fn circles(&self) -> Vec<String> {
        let mut found: BTreeSet<Vec<&String>> = BTreeSet::new();
        for module in self.edges.keys() {
            let circle: Vec<&String> = self
                .reached_from(module)
                .into_iter()
                .filter(|other| self.reached_from(other).contains(module))
                .collect();
            if circle.len() > 1 {
                found.insert(circle);
            }
        }
        found.iter().map(|circle| self.describe(circle)).collect()
    }

    fn reached_from(&self, module: &String) -> BTreeSet<&String> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&String> = self.edges[module].keys().collect();
        while let Some(module) = next.pop() {
            if reached.insert(module) {
                next.extend(self.edges[module].keys());
            }
        }
        reached
    }

    fn describe(&self, circle: &[&String]) -> String {
        let mut text = String::new();
        for module in circle {
            for (other, names) in self.edges[*module].iter().filter(|(to, _)| circle.contains(to)) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                text += &format!("\n  {module} → {other} by {}", names.join(", "));
            }
        }
        text
    }
}

/// Resolves names to modules.
struct Names<'a> {
    /// The re-exports of a module: from the exported full name to the full name of the item.
    exports: BTreeMap<String, Vec<String>>,
    modules: BTreeSet<&'a String>,
}

impl Names<'_> {
    /// Returns the module that defines an item; `None` for an item of another crate.
    fn home_of(&self, name: &[String]) -> Option<String> {
        let (first, rest) = name.split_first()?;
        if first != "crate" {
            return None;
        }
        let mut home = "crate".to_owned();
        for (place, part) in rest.iter().enumerate() {
            let deeper = format!("{home}::{part}");
            if let Some(target) = self.exports.get(&deeper) {
                let target: Vec<String> =
                    target.iter().chain(&rest[place + 1..]).cloned().collect();
                return self.home_of(&target);
            }
            if !self.modules.contains(&deeper) {
                break;
            }
            home = deeper;
        }
        Some(home)
    }
}

/// Returns `crate::products::keys`; `mod.rs` stands for its folder, `lib.rs` for the crate.
fn path_of(source: &Source) -> String {
    let parts = source.module.iter().filter(|part| !["lib", "main"].contains(&part.as_str()));
    std::iter::once("crate").chain(parts.map(String::as_str)).collect::<Vec<_>>().join("::")
}

fn exports(modules: &BTreeMap<String, &Source>) -> BTreeMap<String, Vec<String>> {
    let mut exports = BTreeMap::new();
    for (path, source) in modules {
        for name in source.names_outside_tests().into_iter().filter(|name| name.is_exported) {
            let last = name.parts.last().expect("a name has a part").clone();
            // A module takes precedence over an export of the same name.
            let exported = format!("{path}::{last}");
            if !modules.contains_key(&exported) && name.parts[0] == "crate" {
                exports.insert(exported, name.parts);
            }
        }
    }
    exports
}
