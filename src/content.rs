//! Content: from the text of a Markdown file to an issue, and from its body to what readers get.
//!
//! Transforms only: text in, values and findings out. FieldReader files is `disk`'s work; what a feed or a mail makes of
//! the result is theirs.

pub mod assemble;
pub(crate) mod cjk;
pub mod cover;
mod custom_id;
pub mod date;
mod field_reader;
mod footnotes;
pub mod front_matter;
pub mod html;
pub mod languages;
pub mod markdown;
pub mod path;
pub mod permalink;
pub mod plain_text;
pub mod revision;
pub mod summary;
