//! The versions of the program and of its most important crates.

/// The lock file of this build.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The crates that are listed.
const NAMED: [&str; 12] = [
    "actix-web",
    "actix-http",
    "tokio",
    "askama",
    "diesel",
    "libsqlite3-sys",
    "pq-sys",
    "deadpool-redis",
    "redis",
    "moka",
    "bincode",
    "tracing",
];

/// Returns names and versions, the program itself first, then what built it and what it runs on.
pub fn versions(database: &str) -> Vec<(String, String)> {
    let itself = [("larder", env!("CARGO_PKG_VERSION")), ("compiler", env!("LARDER_COMPILER"))];
    let on = [("MSRV", env!("CARGO_PKG_RUST_VERSION")), ("database", database)];
    let ours = itself.into_iter().chain(on).filter(|(_, version)| !version.is_empty());
    let ours = ours.map(|(name, version)| (name.to_owned(), version.to_owned()));
    let crates = NAMED
        .iter()
        .flat_map(|name| locked(name).map(move |version| ((*name).to_owned(), version.to_owned())));
    ours.chain(crates).collect()
}

/// Returns the versions of a crate in the lock file.
fn locked(name: &str) -> impl Iterator<Item = &'static str> {
    let line = format!("name = \"{name}\"");
    LOCK.split("[[package]]").filter_map(move |package| {
        let mut lines = package.trim_start().lines();
        let is_it = lines.next() == Some(&line);
        let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
        is_it.then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_crate_has_a_version() {
        for name in NAMED {
            assert!(locked(name).next().is_some_and(|version| version.contains('.')), "{name}");
        }
        let versions = versions("SQLite 3.50.2");
        let names: Vec<&str> = versions.iter().take(4).map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["larder", "compiler", "MSRV", "database"]);
        assert!(versions[1].1.starts_with("rustc 1."), "{}", versions[1].1);
    }
}
