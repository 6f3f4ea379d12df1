//! The fields of front matter: reads, takes, renames and adds them by name.
//!
//! Takes names and values in the order written, whatever their syntax. `field_reader` knows what a value should be.

use serde_json::Value;

/// Fields by lower-case name, in the order written.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    pub(super) entries: Vec<(String, Value)>,
    /// The bits of their names, and of some that are gone: most names that are asked for are absent, which these tell at once.
    bits: u64,
    /// Renamed ones, and the keys by which the file has them.
    renamed: Vec<(String, Vec<String>)>,
}

impl Fields {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|at| &self.entries[at].1)
    }

    /// Removes and returns a field.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.position(name).map(|at| self.entries.remove(at).1)
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.bits & bit(name) == 0 {
            return None;
        }
        self.entries.iter().position(|(key, _)| key == name)
    }

    fn push(&mut self, name: String, value: Value) {
        self.bits |= bit(&name);
        self.entries.push((name, value));
    }

    /// Renames a field, given by its keys, unless there is one of the new name; an inner value is copied.
    pub fn rename(&mut self, keys: &[&str], name: &str) {
        let Some((key, inner)) = keys.split_first().filter(|(key, _)| self.get(key).is_some()) else { return };
        if self.get(name).is_some_and(|value| !value.is_null()) {
            return;
        }
        let value = match inner {
            [] => self.take(key),
            inner => inner.iter().try_fold(self.get(key), |value, key| Some(value?.get(*key))).flatten().cloned(),
        };
        let Some(value) = value.filter(|value| !value.is_null()) else { return };
        self.set(name, value);
        self.renamed.push((name.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect()));
    }

    /// The keys by which the file has a field.
    pub fn written<'f>(&'f self, name: &'f str) -> Vec<&'f str> {
        let renamed = self.renamed.iter().find(|(new, _)| new == name);
        renamed.map_or_else(|| vec![name], |(_, keys)| keys.iter().map(String::as_str).collect())
    }

    /// Sets a field, in place of one of that name.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.position(name) {
            Some(at) => self.entries[at].1 = value,
            None => self.push(name.to_owned(), value),
        }
    }

    /// Adds a field unless there is one of that name, even an empty one.
    pub fn inherit(&mut self, name: &str, value: &Value) {
        if self.get(name).is_none() {
            self.push(name.to_owned(), value.clone());
        }
    }

    /// The remaining fields.
    pub fn rest(self) -> serde_json::Map<String, Value> {
        self.entries.into_iter().collect()
    }
}

impl From<Vec<(String, Value)>> for Fields {
    fn from(entries: Vec<(String, Value)>) -> Self {
        let bits = entries.iter().fold(0, |bits, (name, _)| bits | bit(name));
        Self { entries, bits, renamed: Vec::new() }
    }
}

/// One of 64 bits, by the length and the ends of a name.
fn bit(name: &str) -> u64 {
    let [first, last] =
        [name.as_bytes().first(), name.as_bytes().last()].map(|byte| byte.map_or(0, |byte| u32::from(*byte)));
    1u64.rotate_left(name.len() as u32 * 29 + first * 23 + last)
}
