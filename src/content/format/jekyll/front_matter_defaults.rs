//! The `defaults` of Jekyll's configuration: values for the front matter of the files in a scope.
//!
//! Takes the setting; returns the values for a file. Of two scopes the one with the longer path wins, then the one with a type.

use serde_json::{Map, Value};

use crate::content::format::Settings;
use crate::content::format::jekyll::location::{Kind, Location};
use crate::content::glob::Glob;

/// All sets of values, in the order written.
#[derive(Debug)]
pub struct FrontMatterDefaults {
    sets: Vec<Set>,
}

#[derive(Debug)]
struct Set {
    path: String,
    /// `path`, if it has a wildcard.
    glob: Option<Glob>,
    collection: Option<String>,
    values: Map<String, Value>,
}

impl FrontMatterDefaults {
    /// The sets in these settings; paths may begin with the folder of collections.
    pub fn new(settings: &Settings) -> Self {
        let collections = settings.get("collections_dir").and_then(Value::as_str).unwrap_or_default().trim_matches('/');
        let sets = settings.get("defaults").and_then(Value::as_array).into_iter().flatten();
        Self { sets: sets.filter_map(|set| Set::new(set, collections)).collect() }
    }

    /// The values for a file, by name in lower case.
    pub fn of(&self, location: &Location<'_>) -> Map<String, Value> {
        let mut values = Map::new();
        let mut last: Option<&Set> = None;
        for set in self.sets.iter().filter(|set| set.applies(location)) {
            if last.is_none_or(|last| set.outweighs(last)) {
                merge(&mut values, &set.values);
                last = Some(set);
            } else {
                let over = std::mem::replace(&mut values, set.values.clone());
                merge(&mut values, &over);
            }
        }
        values
    }
}

impl Set {
    fn new(set: &Value, collections: &str) -> Option<Self> {
        let values = set.get("values")?.as_object()?;
        let values = values.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
        let scope = |name: &str| set.get("scope")?.get(name)?.as_str();
        let path = scope("path").unwrap_or_default();
        let below = path.strip_prefix(collections).and_then(|rest| rest.strip_prefix('/'));
        let path = if collections.is_empty() { path } else { below.unwrap_or(path) };
        let collection = scope("type").map(|name| match name {
            "page" => "pages",
            "post" => "posts",
            "draft" => "drafts",
            name => name,
        });
        Some(Self {
            glob: path.contains('*').then(|| Glob::new(path.trim_matches('/'))),
            path: path.trim_start_matches('/').to_owned(),
            collection: collection.map(str::to_owned),
            values,
        })
    }

    fn applies(&self, location: &Location<'_>) -> bool {
        let collection = match location.kind {
            // To Jekyll a draft is a post.
            Kind::Post | Kind::Draft => "posts",
            Kind::Document(label) => label,
            Kind::Page => "pages",
        };
        let is_of_type = self.collection.as_deref().is_none_or(|wanted| wanted == collection);
        is_of_type
            && match &self.glob {
                Some(glob) => glob.matches_path_or_folder(location.path),
                None => location.path.starts_with(&self.path),
            }
    }

    fn outweighs(&self, other: &Self) -> bool {
        match self.path.len().cmp(&other.path.len()) {
            std::cmp::Ordering::Equal => self.collection.is_some() || other.collection.is_none(),
            order => order.is_gt(),
        }
    }
}

/// Merges values over others; null changes nothing.
fn merge(target: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (target.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (Some(_), Value::Null) => {}
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_scope_wins() {
        let settings = json!({"collections_dir": "content", "defaults": [
            {"scope": {"path": "content/_posts/sea"}, "values": {"layout": "sea", "image": {"alt": "Sea"}}},
            {"scope": {"path": "", "type": "post"}, "values": {"Layout": "post", "image": {"path": "a.png", "alt": "A"}}},
            {"scope": {"path": ""}, "values": {"layout": "any", "lang": "de", "tags": null}},
            {"scope": {"path": "*/sky/*"}, "values": {"layout": "sky"}},
            {"scope": {"path": "", "type": "tools"}, "values": {"layout": "tool"}},
            {"values": {"comments": true}},
            {"scope": {"path": ""}},
            "text"
        ]});
        let defaults = FrontMatterDefaults::new(settings.as_object().unwrap());
        let of = |kind, path| Value::Object(defaults.of(&Location { kind, path }));
        let post = json!({"layout": "post", "lang": "de", "comments": true, "image": {"path": "a.png", "alt": "A"}, "tags": null});
        assert_eq!(of(Kind::Post, "_posts/2026-01-02-a.md"), post);
        let sea = json!({"layout": "sea", "lang": "de", "comments": true, "image": {"path": "a.png", "alt": "Sea"}, "tags": null});
        assert_eq!(of(Kind::Draft, "_posts/sea/2026-01-02-a.md"), sea);
        assert_eq!(of(Kind::Post, "_posts/sky/2026-01-02-a.md")["layout"], "sky");
        assert_eq!(of(Kind::Document("tools"), "_tools/a.md")["layout"], "tool");
        assert_eq!(of(Kind::Page, "a.md")["layout"], "any");
    }
}
