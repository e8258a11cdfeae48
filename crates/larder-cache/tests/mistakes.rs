//! What the compiler says about common mistakes: each message names the way out.
//!
//! The compiler is called on the crate as it was built for this test, which costs less than a build of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What every example begins with, and ends with.
const BEGIN: &str = "\
#![allow(unused)]
use std::sync::Arc;
use std::time::Duration;
use larder_cache::{Builder, Cache, InProcess, Key, Policy};
const HOUR: Policy = Policy::fresh_for(Duration::from_secs(3600));
struct Rate(f64);
pub async fn example(cache: Cache, key: Key) {
";

/// Mistakes, and the sentences of their messages.
const MISTAKES: [(&str, [&str; 2]); 5] = [
    (
        "cache.get_or_load(&key, &HOUR, async || Rate(1.09)).await;",
        [
            "`Rate` cannot be stored in the cache",
            "derive `serde::Serialize` and `serde::Deserialize`",
        ],
    ),
    (
        "Key::named(\"rates\").part(\"limit\", 1.5_f64);",
        ["`f64` cannot be a part of a key", "`.part(\"day\", day.to_string())`"],
    ),
    (
        "Builder::default().open(Arc::new(Rate(1.09)));",
        ["`Rate` does not say which data have changed", "`Arc::new(InProcess::new())`"],
    ),
    (
        "cache.render(&Rate(1.09)).await;",
        ["`Rate` does not declare the fragments of its template", "implement `Fragments` for it"],
    ),
    (
        "larder_cache::fragment::Fragment::new(\"header\", larder_cache::fragment::Digest::of(b\"1\"));",
        [
            "this function takes 3 arguments but 2 arguments were supplied",
            "of type `Policy` is missing",
        ],
    ),
];

/// Compiles a function with this body; returns what the compiler says, or `None` if it compiles.
fn compile(library: &Path, body: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("example.rs");
    std::fs::write(&source, format!("{BEGIN}{body}\n}}\n")).unwrap();
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    compiler.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--out-dir"]);
    compiler.arg(folder.path()).arg(&source).arg("-L").arg(library.parent().unwrap());
    compiler.arg("--extern").arg(format!("larder_cache={}", library.display()));
    let output = compiler.output().unwrap();
    (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
}

/// Returns the crate as it was built last, beside this test, with all that these examples use.
fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let built = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path());
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("liblarder_cache-") && name.ends_with(".rlib")
    };
    let mut built: Vec<PathBuf> = built.filter(is_ours).collect();
    built.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    let used =
        "use larder_cache::fragment::Fragments; cache.get_or_load(&key, &HOUR, async || 1).await;";
    let fit = built.iter().rev().find(|library| compile(library, used).is_none());
    fit.unwrap_or_else(|| panic!("none of {built:?} has what the examples use")).clone()
}

#[test]
fn the_compiler_names_the_way_out_of_common_mistakes() {
    let library = library();
    for (mistake, sentences) in MISTAKES {
        let said = compile(&library, mistake).unwrap_or_else(|| panic!("`{mistake}` compiles"));
        for sentence in sentences {
            assert!(said.contains(sentence), "`{mistake}` says:\n{said}");
        }
    }
}
