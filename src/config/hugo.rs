//! Hugo's configuration beside the project file: it decides what the project file leaves open.
//!
//! Takes the text of its files; returns one tree of settings, merged as Hugo merges them, with names in lower case because
//! Hugo ignores case. Settings that no one asks for are ignored. `load` finds the files; the files of `resolve` know what a
//! setting means.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::content::file_date::FileDate;
use crate::content::front_matter::json_of_toml;
use crate::content::languages::Language;
use crate::content::path::file_name;
use crate::finding::{Finding, Place};
use crate::publication::{is_language, is_language_tag};

/// Settings that show that a file named `config.*`, which other programs have too, is Hugo's.
const OF_HUGO: [&str; 8] =
    ["baseurl", "languagecode", "contentdir", "permalinks", "markup", "module", "defaultcontentlanguage", "cascade"];

/// Settings with the tag of a language.
const TAGS: [&str; 2] = ["locale", "languagecode"];

/// The settings of a Hugo site; empty if the project is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hugo {
    settings: Map<String, Value>,
    /// The first file with settings.
    file: Option<String>,
}

impl Hugo {
    /// Adds the settings of a file, named by its path below the project folder; they override those of files added before.
    ///
    /// # Errors
    /// A warning if the file cannot be parsed: its settings are ignored.
    pub fn add(&mut self, path: &str, text: &str) -> Result<(), Box<Finding>> {
        let settings = parsed(path, text.trim_start_matches('\u{feff}')).map_err(|why| {
            let finding = Finding::warning("hugo-config", format!("Hugo's configuration cannot be read: {why}"));
            Box::new(finding.help("correct it; until then its settings are ignored").at(Place::file(path)))
        })?;
        let is_certain = !path.starts_with("config.") || OF_HUGO.iter().any(|name| settings.contains_key(*name));
        if is_certain {
            self.file.get_or_insert_with(|| path.to_owned());
            merge(&mut self.settings, placed(path, settings));
        }
        Ok(())
    }

    /// Whether there is a Hugo site.
    pub fn is_present(&self) -> bool {
        !self.settings.is_empty()
    }

    /// The file that shows it.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The setting with these names, in lower case and outermost first.
    pub fn value(&self, names: &[&str]) -> Option<&Value> {
        let (first, others) = names.split_first()?;
        others.iter().try_fold(self.settings.get(*first)?, |value, name| value.get(*name))
    }

    /// A setting that is text, trimmed and not empty.
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        self.value(names)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A setting that is true or false.
    pub fn truth(&self, names: &[&str]) -> Option<bool> {
        match self.value(names)? {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The languages by `weight`, then by name, as Hugo orders them; without the disabled.
    pub fn languages(&self) -> Vec<Language> {
        let disabled = self.value(&["disablelanguages"]).and_then(Value::as_array);
        let is_disabled =
            |name: &str| disabled.is_some_and(|names| names.iter().any(|other| other.as_str() == Some(name)));
        let Some(Value::Object(languages)) = self.value(&["languages"]) else { return Vec::new() };
        let languages = languages.iter().filter_map(|(name, settings)| Some((name.as_str(), settings.as_object()?)));
        let enabled = languages.filter(|(name, settings)| {
            !is_disabled(name) && settings.get("disabled").and_then(Value::as_bool) != Some(true)
        });
        let mut languages: Vec<_> = enabled.collect();
        let weight = |settings: &Map<String, Value>| {
            let weight = settings.get("weight").and_then(Value::as_i64).filter(|weight| *weight != 0);
            weight.unwrap_or(i64::MAX)
        };
        languages.sort_by_key(|(name, settings)| (weight(settings), *name));
        languages.into_iter().map(|(name, _)| Language { name: name.to_owned(), tag: self.tag_of(name) }).collect()
    }

    /// The tag of a language; that of the main one if neither its settings nor its name tell.
    fn tag_of(&self, name: &str) -> String {
        let main = || self.language().unwrap_or_else(|| "en".to_owned());
        if name == self.main_language() {
            return main();
        }
        let written = TAGS.iter().find_map(|setting| self.text(&["languages", name, setting]));
        written.and_then(tag).or_else(|| tag(name)).unwrap_or_else(main)
    }

    /// The name of the language that a tag means; the main one if none has it.
    pub fn name_of(&self, tag: &str) -> String {
        let languages = self.languages();
        let main = languages.iter().filter(|language| language.name == self.main_language());
        let found = Language::find(main.chain(&languages), tag);
        found.map_or_else(|| self.main_language().to_owned(), |language| language.name.clone())
    }

    /// The content folder of a language, or of the site; a folder mounted in its place comes first.
    pub fn content_folder(&self, language: &str) -> &str {
        let mut mounted = self.all_mounts().filter(|mount| is_content_in(mount, language));
        let mounted = mounted.find_map(|mount| mount.get("source")?.as_str());
        let named = || self.text(&["languages", language, "contentdir"]).or(self.text(&["contentdir"]));
        mounted.or_else(named).unwrap_or("content")
    }

    /// The content folders of all languages, each once.
    pub fn content_folders(&self) -> BTreeSet<&str> {
        let languages = self.languages();
        let names = languages.iter().map(|language| language.name.as_str()).chain([self.main_language()]);
        names.map(|name| self.content_folder(name)).collect()
    }

    fn all_mounts(&self) -> impl Iterator<Item = &Value> {
        self.value(&["module", "mounts"]).and_then(Value::as_array).into_iter().flatten()
    }

    /// The folders and files that are mounted in the content but are not content folders, each with its place there.
    pub fn mounts(&self) -> Vec<(&str, &str)> {
        let folders = self.content_folders();
        let texts = self
            .all_mounts()
            .filter_map(|mount| Some((mount.get("source")?.as_str()?, mount.get("target")?.as_str()?)));
        let is_content = |target: &str| target.trim_matches('/').split('/').next() == Some("content");
        texts.filter(|(source, target)| is_content(target) && !folders.contains(source)).collect()
    }

    /// A setting of the main language, else of the site.
    pub fn text_of_main_language(&self, name: &str) -> Option<&str> {
        self.text(&["languages", self.main_language(), name]).or(self.text(&[name]))
    }

    /// The tag of the main language, if it is one that exists.
    pub fn language(&self) -> Option<String> {
        let written = TAGS.iter().find_map(|setting| self.text_of_main_language(setting));
        written.and_then(tag).or_else(|| tag(self.text(&["defaultcontentlanguage"])?))
    }

    /// Whether dates in file names count, and when.
    pub fn file_date(&self) -> FileDate {
        let Some(Value::Array(sources)) = self.value(&["frontmatter", "date"]) else { return FileDate::Ignored };
        let place = |names: &[&str]| {
            let named =
                |source: &Value| source.as_str().map(str::to_lowercase).is_some_and(|it| names.contains(&it.as_str()));
            sources.iter().position(named)
        };
        match (place(&[":filename"]), place(&[":default", "date"])) {
            (None, _) => FileDate::Ignored,
            (Some(of_file), Some(written)) if written < of_file => FileDate::Last,
            (Some(_), _) => FileDate::First,
        }
    }

    /// The name of the main language; as `languages` has it, in lower case, if it is one of several.
    pub fn main_language(&self) -> &str {
        let written = self.text(&["defaultcontentlanguage"]).unwrap_or("en");
        let languages = self.value(&["languages"]).and_then(Value::as_object);
        languages
            .and_then(|names| names.keys().find(|name| name.eq_ignore_ascii_case(written)))
            .map_or(written, String::as_str)
    }
}

/// The tag of a language that exists, given its tag, or the country it is named after.
fn tag(written: &str) -> Option<String> {
    const OF_COUNTRIES: [(&str, &str); 6] =
        [("cn", "zh-CN"), ("cz", "cs"), ("dk", "da"), ("gr", "el"), ("jp", "ja"), ("ua", "uk")];
    let of_country = OF_COUNTRIES.iter().find(|(country, _)| country.eq_ignore_ascii_case(written));
    let tag = of_country.map_or_else(|| written.replace('_', "-"), |(_, tag)| (*tag).to_owned());
    (is_language_tag(&tag) && is_language(&tag)).then_some(tag)
}

/// Whether a mount of a module is the whole content in a language.
fn is_content_in(mount: &Value, language: &str) -> bool {
    let languages = mount.get("lang").or_else(|| mount.pointer("/sites/matrix/languages"));
    let is_in = |value: &Value| value.as_str().is_some_and(|name| name.eq_ignore_ascii_case(language));
    let is_in_all =
        languages.is_none_or(|value| is_in(value) || value.as_array().is_some_and(|names| names.iter().any(is_in)));
    mount.get("target").and_then(Value::as_str).map(|target| target.trim_matches('/')) == Some("content") && is_in_all
}

fn parsed(path: &str, text: &str) -> Result<Map<String, Value>, String> {
    let value = match path.rsplit('.').next() {
        Some("toml") => json_of_toml(toml::Value::Table(toml::from_str(text).map_err(|error| error.to_string())?)),
        Some("json") => serde_json::from_str(text).map_err(|error| error.to_string())?,
        _ => {
            // Of several documents, Hugo reads the first.
            let Some(first) = serde_yaml::Deserializer::from_str(text).next() else { return Ok(Map::new()) };
            let value = serde_yaml::Value::deserialize(first).map_err(|error| error.to_string())?;
            serde_json::to_value(value).map_err(|error| error.to_string())?
        }
    };
    match lower_case(value) {
        Value::Object(settings) => Ok(settings),
        Value::Null => Ok(Map::new()),
        _ => Err("it is not a mapping of names to values".to_owned()),
    }
}

fn lower_case(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(name, value)| (name.to_lowercase(), lower_case(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lower_case).collect()),
        other => other,
    }
}

/// The settings of a file at the place that its name says: `permalinks.toml`, `languages.en.toml`, `params.en.toml`.
fn placed(path: &str, settings: Map<String, Value>) -> Map<String, Value> {
    let file = file_name(path).to_lowercase();
    let name = file.rsplit_once('.').map_or(file.as_str(), |(name, _)| name);
    let names = match name.split_once('.') {
        _ if !path.contains('/') || name == "hugo" || name == "config" => return settings,
        None => vec![name],
        Some(("languages", language)) => vec!["languages", language],
        Some((name, language)) => vec!["languages", language, name],
    };
    let inside = |value, name: &&str| Value::Object(Map::from_iter([((*name).to_owned(), value)]));
    match names.iter().rev().fold(Value::Object(settings), inside) {
        Value::Object(placed) => placed,
        _ => Map::new(),
    }
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => drop(into.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hugo(files: &[(&str, &str)]) -> Hugo {
        let mut hugo = Hugo::default();
        for (path, text) in files {
            hugo.add(path, text).unwrap();
        }
        hugo
    }

    #[test]
    fn files_are_merged_at_the_place_their_names_say() {
        let hugo = hugo(&[
            ("hugo.toml", "baseURL = 'https://tides.example.org/'\ntitle = 'Tides'\n[permalinks]\nlog = '/:slug/'\n"),
            ("config/_default/permalinks.yaml", "notes: /:year/:slug/\n"),
            ("config/_default/languages.en.toml", "weight = 2\nlanguageName = 'English'\n"),
            ("config/_default/params.en.json", "{\"Motto\": \"Ebb\"}"),
            ("config/production/hugo.yaml", "title: Tide Notes\nlanguages: {zh: {weight: 1}, fr: {disabled: true}}\n"),
        ]);
        assert_eq!(
            Value::Object(hugo.settings.clone()),
            json!({
                "baseurl": "https://tides.example.org/",
                "title": "Tide Notes",
                "permalinks": {"log": "/:slug/", "notes": "/:year/:slug/"},
                "languages": {
                    "en": {"weight": 2, "languagename": "English", "params": {"motto": "Ebb"}},
                    "zh": {"weight": 1},
                    "fr": {"disabled": true},
                },
            })
        );
        let languages: Vec<String> = hugo.languages().into_iter().map(|language| language.name).collect();
        assert_eq!((languages, hugo.main_language()), (vec!["zh".into(), "en".into()], "en"));
        assert_eq!(hugo.text(&["permalinks", "log"]), Some("/:slug/"));
    }

    #[test]
    fn a_language_has_a_name_and_a_tag() {
        for (settings, expected) in [
            ("languages: {en: {}, zh: {languageCode: zh-CN}}", "en=en zh=zh-CN"),
            ("locale: en-GB\nlanguages: {en: {}, pt: {locale: pt_BR}}", "en=en-GB pt=pt-BR"),
            (
                "languageCode: zh-Hans\ndefaultContentLanguage: zh-cn\nlanguages: {zh-cn: {}, en: {}}",
                "en=en zh-cn=zh-Hans",
            ),
            ("defaultContentLanguage: cn\nlanguages: {cn: {}, jp: {languageCode: ja-JP}}", "cn=zh-CN jp=ja-JP"),
            ("defaultContentLanguage: zh-TW\nlanguages: {zh-TW: {locale: zh-Hant}, en: {}}", "en=en zh-tw=zh-Hant"),
            ("languages: {en: {}, docs: {}, ua: {languageCode: xx}}", "docs=en en=en ua=uk"),
        ] {
            let hugo = hugo(&[("hugo.yaml", settings)]);
            let languages: Vec<String> = hugo.languages().iter().map(|it| format!("{}={}", it.name, it.tag)).collect();
            assert_eq!(languages.join(" "), expected, "{settings}");
        }
        let settings =
            "languageCode: no-nns\ndefaultContentLanguage: nn\nlanguages: {nn: {}, en: {languageCode: en-GB}}";
        let hugo = hugo(&[("hugo.yaml", settings)]);
        for (tag, name) in [("no-nns", "nn"), ("en-gb", "en"), ("en", "en"), ("en-US", "en"), ("de", "nn")] {
            assert_eq!(hugo.name_of(tag), name, "{tag}");
        }
    }

    #[test]
    fn the_content_of_a_language_is_mounted_or_named() {
        let text = "contentDir: c\nlanguages: {fr: {contentDir: f}, en: {}, nl: {}}\nmodule:\n  mounts:\n  - {source: d/docs, target: \
                    content/docs}\n  - {source: d/nl, target: content, lang: nl}\n";
        let hugo = hugo(&[("hugo.yaml", text)]);
        assert_eq!(["fr", "en", "nl"].map(|name| hugo.content_folder(name)), ["f", "c", "d/nl"]);
    }

    #[test]
    fn dates_in_file_names_count_if_hugo_says_so() {
        let of = |sources: &str| hugo(&[("hugo.yaml", &format!("frontmatter: {{date: {sources}}}\n"))]).file_date();
        assert_eq!(of("[':filename', ':default']"), FileDate::First);
        assert_eq!(of("[date, ':fileName']"), FileDate::Last);
        assert_eq!(of("[':default']"), FileDate::Ignored);
        assert_eq!(Hugo::default().file_date(), FileDate::Ignored);
    }

    #[test]
    fn a_file_of_another_program_is_ignored() {
        let zola = "base_url = 'https://tides.example.org'\ntitle = 'Tides'\n[languages.fr]\n";
        assert!(!hugo(&[("config.toml", zola)]).is_present());
        assert!(hugo(&[("config.yaml", "languageCode: en\n")]).is_present());
    }

    #[test]
    fn a_file_that_cannot_be_parsed_is_a_warning() {
        let warning = Hugo::default().add("hugo.toml", "title = \n").unwrap_err();
        assert!(!warning.is_error());
        assert_eq!((warning.rule, warning.place.unwrap().to_string()), ("hugo-config", "hugo.toml".to_owned()));
        assert!(Hugo::default().add("hugo.json", "[1]").is_err());
    }
}
