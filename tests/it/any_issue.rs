//! Any front matter and any Markdown yield valid feeds, checked from files to files with third-party parsers.
//! `PROPTEST_CASES=5000` runs more cases.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use slugline::parts::{LockMode, Project, build, config as load_config, issues as load_issues};

use crate::formats::FORMATS;
use crate::history::commit_all;
use crate::judge::Published;

const PROJECT: &str = "\
title: \"Tides & <b>tables</b> ]]>\"
description: all of it
base_url: https://example.org/sub
language: zh-CN
timezone: Asia/Kathmandu
author: {name: Crew, email: crew@example.org, url: /crew}
feeds: {limit: 0, max_bytes: 0}
markdown: {typographer: true}
";

const NOW: &str = "2026-11-20T08:00:00Z";

/// Builds a project of these files in a format, and returns the problems with its feeds.
fn problems(folder: &Path, (format, content): (&str, &str), files: &[String]) -> Vec<String> {
    fs::write(folder.join("slugline.yaml"), format!("{PROJECT}format: {format}\ncontent: {content}\n")).unwrap();
    let content = folder.join(content);
    fs::create_dir_all(&content).unwrap();
    for (number, file) in files.iter().enumerate() {
        fs::write(content.join(format!("2026-07-0{}-号 a.md", number + 1)), file).unwrap();
    }
    if format == "plain" {
        commit_all(folder);
    }
    let project = Project::new(folder);
    let config = load_config(&project, "slugline.yaml").unwrap();
    let now = chrono::DateTime::parse_from_rfc3339(NOW).unwrap().to_utc();
    let loaded = load_issues(&project, &config, now).unwrap();
    build(&project, &config, &loaded.issues, &config.output, now, LockMode::LeaveAlone).unwrap();
    Published::read(&folder.join(&config.output)).problems()
}

/// Text as a double-quoted string in YAML and JSON, with escapes of characters that feeds must not contain.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "\\PC{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap().trim_matches('"').to_owned()),
        4 => prop::sample::select(vec![
            "<b>", "</b>", "<letter>", "]]>", "<![CDATA[", "&amp;", "&lt;", "&nbsp;", "&#1;", "&", "<", ">", "<!--", "--",
            "\\u0000", "\\u0001", "\\u000b", "\\u0085", "\\u2028", "\\ufeff", "\\ufffd", "\\ufffe", "\\uffff", "\\ud83d\\ude00",
            "\\n", "\\t", " ", "\\u3000", "\\u200b", "'", "\\\"", "\\\\", "{{", "%", "%zz", "/", "..", "#", "?", ":", "、",
            "@", "mail@example.org", "https://", "张三", "Ann <ann@example.org>",
        ]).prop_map(str::to_owned),
        1 => Just("\\ud800".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn address() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "\"a b.png\"",
        "\"/图 片.jpg\"",
        "\"//cdn.example.org/x.webp\"",
        "\"http://user:pw@example.org:80/é?a=1&b=2|3#f\"",
        "\"https://例え.jp/图\"",
        "\"javascript:alert(1)\"",
        "\"data:image/png;base64,AA\"",
        "\"[x](https://example.org/p.png)\"",
        "\"![](</a b.png>)\"",
        "\"http://\"",
        "\"http://[bad/\"",
        "\"https://a..b/x.png\"",
        "\"https://exa mple.org/x\"",
        "\"mailto:x@y\"",
        "\"C:\\\\x.png\"",
        "\"?q\"",
        "\"#\"",
        "\"..\"",
        "\"urn:x\"",
        "\"tag:example.org,2026:é\"",
        "7",
        "\"HTTP://X\"",
    ]);
    prop_oneof![known.prop_map(str::to_owned), text()]
}

fn date() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "2026-07-02",
        "2026-07-02T08:00:00+05:45",
        "2026-07-02T08:00:00.123456789-03:30",
        "2016-12-31T23:59:60Z",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31T23:59:59Z",
        "1900-01-01",
        "1970-01-01",
        "2026-02-30",
        "20260702",
        "2026-07-02 8:00",
        "\"\"",
        "~",
        "[2026]",
        "2026-07-02T08:00:00+23:59",
        "2026-07-02T08:00:00-00:00",
        "Thu, 02 Jul 2026 08:00:00 EST",
        "2031-01-01",
        "never",
    ]);
    prop_oneof![4 => Just("2026-07-02".to_owned()), 4 => known.prop_map(str::to_owned), 1 => text()]
}

/// Any YAML value, often of the wrong type.
fn value(plain: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "~",
        "",
        "true",
        "1e400",
        ".nan",
        "-0",
        "18446744073709551616",
        "[]",
        "{}",
        "[[a]]",
        "2026-01-01",
    ]);
    let leaf = prop_oneof![6 => plain, 1 => odd.prop_map(str::to_owned)].boxed();
    let person = (leaf.clone(), leaf.clone(), leaf.clone()).prop_map(|(name, email, url)| {
        format!("{{name: {name}, email: {email}, url: {url}, image: {url}, alt: {name}}}")
    });
    let list = prop::collection::vec(prop_oneof![2 => leaf.clone(), 1 => person.clone()], 0..3);
    prop_oneof![6 => leaf, 1 => list.prop_map(|items| format!("[{}]", items.join(", "))), 1 => person]
}

fn field() -> impl Strategy<Value = String> {
    let texts = prop::sample::select(vec![
        "description", "summary", "slug", "author", "authors", "authorlink", "categories", "tags", "language",
        "subject", "params",
    ]);
    let addresses = prop::sample::select(vec!["cover", "image", "url", "id", "authorlink", "slug", "aliases"]);
    let dates = prop::sample::select(vec!["lastmod", "publishDate", "expiryDate"]);
    prop_oneof![
        5 => (texts, value(text().boxed())).prop_map(|(key, value)| format!("{key}: {value}")),
        3 => (addresses, value(address().boxed())).prop_map(|(key, value)| format!("{key}: {value}")),
        1 => (dates, date()).prop_map(|(key, date)| format!("{key}: {date}")),
    ]
}

fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "\\PC{0,8}",
        2 => "[<>/=\"' a-z!&;#\\[\\]()*_`|\n-]{0,12}",
        6 => prop::sample::select(crate::fragments::FRAGMENTS.to_vec()).prop_map(str::to_owned),
        2 => address().prop_map(|address| {
            let address = address.trim_matches('"');
            format!("<a href='{address}'>x</a> <img src=\"{address}\" srcset=\"{address} 2x, {address}\"> [y](<{address}>)")
        }),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn file() -> impl Strategy<Value = String> {
    (text(), date(), prop::collection::vec(field(), 0..6), markdown()).prop_map(|(title, date, mut fields, body)| {
        let name = |field: &String| field.split(':').next().map(str::to_owned);
        fields.sort_by_key(name);
        fields.dedup_by_key(|field| name(field));
        let title = title.replacen('"', "\"T ", 1);
        format!("---\ntitle: {title}\ndate: {date}\n{}\n---\n{body}\n", fields.join("\n"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 3000, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn yield_valid_feeds(format in prop::sample::select(FORMATS.to_vec()), files in prop::collection::vec(file(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let problems = problems(folder.path(), format, &files);
        prop_assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32)
}
