//! Code that the pages of all sections share. It depends on no section.

/// The name of the application: in `Cache-Status`, and in front of all that it stores in Redis.
pub const NAME: &str = "larder";

pub use larder_panel::secrets;

pub mod assets;
pub mod back;
pub mod client;
pub mod connection;
pub mod cookie;
pub mod data_block;
pub mod deadlines;
pub mod digest;
pub mod edit;
pub mod error_page;
mod error_text;
pub mod flash;
pub mod form;
pub mod form_errors;
pub mod form_page;
pub mod freshness;
pub mod headers;
pub mod host;
pub mod jobs;
pub mod json;
pub mod list;
pub mod log;
pub mod markdown;
pub mod money;
pub mod origin;
pub mod pagination;
pub mod problem;
pub use larder_panel::redirect;
pub mod render;
pub mod row_id;
pub mod sheet;
pub mod spelling;
pub mod text;
pub mod time;
pub mod visitor;
pub mod words;
pub mod zone;
