//! Rebuilds the program when a migration is added, since the macro that embeds them does not notice new files, and tells
//! it which compiler builds it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo:rustc-env=LARDER_COMPILER={}", version.unwrap_or_default());
}
