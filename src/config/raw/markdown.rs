//! `markdown:` as written: what is switched on and off. `resolve` fills in what is not written.

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawMarkdown {
    pub cjk: Option<bool>,
    pub linkify: Option<bool>,
    pub emoji: Option<bool>,
    pub hard_wraps: Option<bool>,
    pub typographer: Option<bool>,
    pub math: Option<bool>,
}
