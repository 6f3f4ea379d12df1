//! Values of YAML as JSON, as far as front matter needs them: tags are ignored, merge keys (`<<`) are merged, and what JSON
//! cannot express becomes text, so that an odd value costs no issue.

use std::fmt;

use serde::de::{Deserialize, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde_json::{Map, Value};

/// The key of a mapping whose value is merged into it (yaml.org/type/merge.html).
const MERGE: &str = "<<";

/// A value.
pub(super) struct YamlValue(pub Value);

/// A mapping in the order written, with keys as `name` returns them.
#[derive(Default)]
pub(super) struct Mapping {
    /// Keys and values.
    pub entries: Vec<(String, Value)>,
    /// The first repeated key: a plain map would silently keep the last value.
    pub repeated: Option<String>,
}

impl Mapping {
    /// Reads all entries; what is merged stands behind what is written, unless its key is written too.
    fn read<'de, A: MapAccess<'de>>(mut map: A, name: impl Fn(&str) -> String) -> Result<Self, A::Error> {
        let (mut mapping, mut merged) = (Self::default(), Vec::new());
        while let Some(YamlValue(key)) = map.next_key()? {
            let YamlValue(value) = map.next_value()?;
            let key = match key {
                Value::String(key) => key,
                other => other.to_string(),
            };
            if key == MERGE {
                merged.push(value);
                continue;
            }
            mapping.push(name(&key), value);
        }
        for value in merged {
            // The earlier of several mappings wins.
            let maps = if let Value::Array(maps) = value { maps } else { vec![value] };
            for (key, value) in maps.into_iter().filter_map(into_map).flatten() {
                let key = name(&key);
                if !mapping.has(&key) {
                    mapping.entries.push((key, value));
                }
            }
        }
        Ok(mapping)
    }

    /// Adds an entry.
    pub fn push(&mut self, key: String, value: Value) {
        if self.repeated.is_none() && self.has(&key) {
            self.repeated = Some(key.clone());
        }
        self.entries.push((key, value));
    }

    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == key)
    }
}

fn into_map(value: Value) -> Option<Map<String, Value>> {
    if let Value::Object(map) = value { Some(map) } else { None }
}

impl<'de> Deserialize<'de> for YamlValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Value, E> {
        Ok(Value::String(number.to_string()))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Value, E> {
        Ok(Value::String(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(serde_json::Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(YamlValue(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        let mapping = Mapping::read(map, str::to_owned)?;
        Ok(Value::Object(mapping.entries.into_iter().collect()))
    }

    /// A value with a tag, such as `!note text` or `! 'text'`.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (YamlValue(_), content) = tagged.variant()?;
        content.newtype_variant::<YamlValue>().map(|YamlValue(value)| value)
    }
}

impl<'de> Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MappingVisitor)
    }
}

struct MappingVisitor;

impl<'de> Visitor<'de> for MappingVisitor {
    type Value = Mapping;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields such as `title: …`")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mapping, A::Error> {
        Mapping::read(map, str::to_lowercase)
    }
}

/// The text with each pair of escapes that together are one character (`\ud83c\udf0a`, as JSON writes it) replaced by the
/// character; `None` if there is none.
pub(super) fn joined_surrogates(text: &str) -> Option<String> {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (mut joined, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("\\u") {
        let pair = unit(&rest[at..]).zip(rest.get(at + 6..).and_then(unit));
        let character = pair.and_then(|(high, low)| char::decode_utf16([high, low]).next()?.ok());
        match character.filter(|character| *character > '\u{ffff}') {
            Some(character) => {
                joined.push_str(&rest[..at]);
                joined.push(character);
                rest = &rest[at + 12..];
            }
            None => {
                joined.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    joined.push_str(rest);
    (joined != text).then_some(joined)
}
