//! What the tests of the applications share.

pub mod browser;
pub mod postgres;
