//! What a registry shows of each crate: its manifest, its README, its changelog. `scripts/test` packs and builds them.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

const CRATES: [&str; 3] = ["larder-cache", "larder-panel", "larder-sql"];

/// Features that are for the crate's own tests only.
const INTERNAL: [&str; 1] = ["schedules"];

/// Returns what cargo says of these crates.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = metadata["packages"].as_array().unwrap().clone();
    let published = |package: &Value| CRATES.contains(&name(package));
    let packages: Vec<Value> = all.into_iter().filter(published).collect();
    assert_eq!(packages.len(), CRATES.len());
    packages
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

fn read(package: &Value, file: &str) -> String {
    fs::read_to_string(format!("crates/{}/{file}", name(package))).unwrap()
}

#[test]
fn each_crate_says_what_a_registry_asks() {
    for package in packages() {
        for key in ["description", "license", "readme", "rust_version"] {
            assert!(package[key].is_string(), "{} has no {key}", name(&package));
        }
        for (key, most) in [("keywords", 5), ("categories", 5)] {
            let number = package[key].as_array().unwrap().len();
            assert!((1..=most).contains(&number), "{}: {number} {key}", name(&package));
        }
        assert!(package["publish"].is_null(), "{} cannot be published", name(&package));
    }
}

/// A dependency with a path alone could not be published.
#[test]
fn the_crates_name_the_versions_of_each_other() {
    let packages = packages();
    let version = |of: &str| {
        let package = packages.iter().find(|package| name(package) == of).unwrap();
        format!("^{}", package["version"].as_str().unwrap())
    };
    let mut compared = 0;
    for package in &packages {
        for dependency in package["dependencies"].as_array().unwrap() {
            let on = dependency["name"].as_str().unwrap();
            if dependency["path"].is_string() && dependency["kind"].is_null() {
                assert_eq!(dependency["req"], version(on), "{} on {on}", name(package));
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 3);
}

/// docs.rs shows the items of all features, but for those that replace the core for a test.
#[test]
fn the_documentation_is_built_with_all_features() {
    for package in packages() {
        let docs = &package["metadata"]["docs"]["rs"];
        let shown: BTreeSet<&str> = match docs["all-features"] == true {
            true => features(&package),
            false => {
                docs["features"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
            }
        };
        assert_eq!(shown, features(&package), "{}", name(&package));
    }
}

#[test]
fn the_table_of_features_in_each_readme_is_that_of_the_manifest() {
    for package in packages() {
        let readme = read(&package, "README.md");
        let table = readme.lines().skip_while(|line| !line.starts_with("| Feature |")).skip(2);
        let rows = table.take_while(|line| line.starts_with('|'));
        let told: BTreeSet<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
        assert_eq!(told, features(&package), "{}", name(&package));
    }
}

#[test]
fn each_crate_has_a_changelog_and_the_licences() {
    for package in packages() {
        let changelog = read(&package, "CHANGELOG.md");
        let version = package["version"].as_str().unwrap();
        let is_told =
            ["Unreleased", version].iter().any(|v| changelog.contains(&format!("## [{v}]")));
        assert!(is_told, "{}: neither {version} nor what is unreleased", name(&package));
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert_eq!(read(&package, licence), fs::read_to_string(licence).unwrap());
        }
    }
}

/// Returns the features that applications may choose.
fn features(package: &Value) -> BTreeSet<&str> {
    let all = package["features"].as_object().unwrap().keys().map(String::as_str);
    all.filter(|feature| *feature != "default" && !INTERNAL.contains(feature)).collect()
}
