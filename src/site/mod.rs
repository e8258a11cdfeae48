//! What all pages share. Knows no section.

pub mod assets;
pub mod client;
pub mod data_block;
pub mod digest;
pub mod erased;
pub mod error_page;
pub mod flash;
pub mod form;
pub mod headers;
pub mod host;
pub mod json;
pub mod log;
pub mod markdown;
pub mod money;
pub mod origin;
pub mod pagination;
pub mod problem;
pub mod redirect;
pub mod render;
pub mod rendered;
pub mod request_id;
pub mod row_id;
pub mod shelf;
pub mod text;
pub mod time;
pub mod visitor;
