//! Addresses, dates and languages of Zola's pages.

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::content::format::Format;

fn zola(config: &str) -> Zola {
    Zola::new(settings(config).unwrap())
}

fn file(path: &str) -> PostFile<'_> {
    PostFile { path, below_content: path, beginning: "", created: None }
}

fn fields(entries: &[(&str, Value)]) -> Fields {
    let mut fields = Fields::default();
    entries.iter().for_each(|(name, value)| fields.set(name, value.clone()));
    fields
}

fn address(zola: &Zola, path: &str, entries: &[(&str, Value)]) -> String {
    let page = PatternValues { path, above: &[], title: "T", slug: None, date: DateTime::UNIX_EPOCH.fixed_offset() };
    zola.address(&file(path), &page, &fields(entries)).unwrap_or_default()
}

#[test]
fn an_address_is_made_of_folders_and_the_slug_of_the_name() {
    let zola = zola("base_url = 'https://example.org'\n");
    for (path, expected) in [
        ("content/Ebb Tide.md", "/ebb-tide/"),
        ("content/Posts/2026/Ebb.md", "/Posts/2026/ebb/"),
        ("content/posts/潮汐.md", "/posts/chao-xi/"),
        ("content/posts/2026-03-05-ebb.md", "/posts/ebb/"),
        ("content/posts/2026-03-05T06:07:08Z_ebb.md", "/posts/ebb/"),
        ("content/posts/2026-03-05T06:07:08.5+01:00 - ebb.md", "/posts/ebb/"),
        ("content/posts/2026-03-05.md", "/posts/2026-03-05/"),
        ("content/posts/2026-13-05-ebb.md", "/posts/2026-13-05-ebb/"),
        ("content/posts/2026-03-05-ebb/index.md", "/posts/ebb/"),
        ("content/a/index.md", "/a/"),
        ("content/index.md", "/"),
        ("blog/content/a.fr.md", "/a-fr/"),
    ] {
        assert_eq!(address(&zola, path, &[]), expected, "{path}");
    }
    let own = |entries: &[(&str, Value)]| address(&zola, "content/posts/2026-03-05-ebb.md", entries);
    assert_eq!(own(&[("slug", "Flood TIDE".into())]), "/posts/flood-tide/");
    assert_eq!(own(&[("path", " news/Seven ".into()), ("slug", "x".into())]), "/news/Seven/");
    assert_eq!(own(&[("path", "/a/b/".into())]), "/a/b/");
}

#[test]
fn the_configuration_decides_about_slugs_and_languages() {
    let safe = zola("[slugify]\npaths = 'safe'\npaths_keep_dates = true\n");
    assert_eq!(address(&safe, "content/Ébb: 1.md", &[]), "/Ébb 1/");
    assert_eq!(address(&safe, "content/2026-03-05-ebb.md", &[]), "/2026-03-05-ebb/");
    let languages = zola("default_language = 'fr'\n[languages.en]\n[languages.pt-BR]\n");
    assert_eq!(address(&languages, "content/posts/a.en.md", &[]), "/en/posts/a/");
    assert_eq!(address(&languages, "content/posts/b/index.pt-BR.md", &[]), "/pt-BR/posts/b/");
    assert_eq!(address(&languages, "content/posts/a.de.md", &[]), "/posts/a-de/");
    assert_eq!(languages.defaults().languages, ["fr", "en", "pt-BR"]);
    assert!(zola("[languages.en]\n").defaults().languages.is_empty());
}

#[test]
fn fields_come_from_names_and_are_completed() {
    let zola = zola("");
    let completed = |path: &str, entries: &[(&str, Value)]| {
        let mut fields = fields(entries);
        zola.complete(&file(path), &mut fields);
        Value::Object(fields.rest()).to_string()
    };
    assert_eq!(
        completed("content/2026-03-05T06:07:08Z-ebb.md", &[]),
        r#"{"date":"2026-03-05T06:07:08Z","title":"2026-03-05T06:07:08Z-ebb"}"#
    );
    assert_eq!(completed("content/a.md", &[("updated", "2026-01-01".into())]), r#"{"title":"a"}"#);
    let written = [("date", "2026-01-01".into()), ("title", "T".into()), ("render", false.into())];
    assert_eq!(
        completed("content/2026-03-05-ebb.md", &written),
        r#"{"date":"2026-01-01","title":"T","render":false,"build":{"render":"never","list":"never"}}"#
    );
}

#[test]
fn sections_and_ignored_files_are_no_posts() {
    let zola = zola("ignored_content = ['*/README.md', '*.draft.md']\n");
    assert!(zola.is_post("content/posts/a.md") && zola.is_post("content/index.md"));
    for path in
        ["content/_index.md", "content/a/_index.fr.md", "content/a/README.md", "content/a.draft.md", "content/.a.md"]
    {
        assert!(!zola.is_post(path), "{path}");
    }
}

proptest! {
    #[test]
    fn any_name_has_an_address(name in "\\PC{0,30}") {
        date_and_slug(&name);
        let path = format!("content/{name}.md");
        prop_assert!(address(&zola("[languages.fr]\n"), &path, &[]).starts_with('/'));
    }
}
