//! Content: turns the text of a Markdown file into an issue, and its body into what readers see.
//!
//! Pure functions: text in, values and findings out. `disk` reads the files; feeds and emails decide what to do with
//! the result.

pub mod addresses;
pub mod assemble;
pub mod build_options;
mod bylines;
mod byte_set;
pub mod cascade;
pub(crate) mod cjk;
pub mod cover;
mod custom_id;
pub mod date;
pub mod direction;
mod field_names;
mod field_reader;
pub mod file_date;
mod footnotes;
pub mod format;
pub mod front_matter;
pub mod glob;
pub mod html;
pub mod languages;
pub mod markdown;
pub mod names;
pub mod path;
pub mod permalink;
pub mod plain_text;
pub mod revision;
pub mod sections;
pub mod site;
pub mod summary;
pub mod url_path;
pub mod yaml_error;
