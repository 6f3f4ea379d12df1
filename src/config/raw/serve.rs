//! `serve` and `consent` as written.

use serde::Deserialize;

use crate::config::raw::OneOrMany;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawServe {
    pub url: Option<String>,
    pub listen: Option<RawListen>,
    pub trusted_proxies: Option<OneOrMany>,
    pub thanks: Option<OneOrMany>,
    pub subscribe: Option<RawSwitch>,
}

/// `listen:` an address; a number alone is one without the address.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected an address such as `127.0.0.1:8420`, or `unix:PATH`")]
pub(in crate::config) enum RawListen {
    Port(u64),
    Address(String),
}

/// `subscribe:` a word, which YAML may read as a truth.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected `on` or `off`")]
pub(in crate::config) enum RawSwitch {
    Truth(bool),
    Word(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct RawConsent {
    pub ip: Option<String>,
}
