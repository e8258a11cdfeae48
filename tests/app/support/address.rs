//! Addresses of the homepage.

/// Returns an address of the homepage that has a cache entry of its own.
///
/// The query is only white space, so the page shows the same products as `/`.
pub fn address_of_its_own(number: u64) -> String {
    let digits = format!("{number:b}");
    let spaces = digits.chars().map(|digit| if digit == '0' { "+" } else { "%20" });
    format!("/?q={}", spaces.collect::<String>())
}
