//! Migrations are embedded by a macro that does not notice new files.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
