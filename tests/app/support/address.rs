//! Addresses of the homepage.

/// The homepage under an address of its own: another page to the cache, the same to people, since no
/// search sees the white space around it.
pub fn address_of_its_own(number: u64) -> String {
    let digits = format!("{number:b}");
    let spaces = digits.chars().map(|digit| if digit == '0' { "+" } else { "%20" });
    format!("/?q={}", spaces.collect::<String>())
}
