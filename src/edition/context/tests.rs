//! `templates/README.md` is what users know of the variables: it names every one, and no other.

use std::collections::BTreeMap;

use super::*;
use crate::config::Config;
use crate::content::assemble::{Source, assemble};
use crate::content::front_matter::split;
use crate::content::markdown::Document;
use crate::digest::{Period, PeriodName};
use crate::edition::digest::{self, Section};
use crate::edition::{Edition, template};
use crate::issue::Extent;

const PAGE: &str = include_str!("../../../templates/README.md");

const PROJECT: &str = "\
title: Tide Notes
description: What the sea does.
base_url: https://tides.example.org
icon: /icon.png
copyright: CC BY 4.0
mail:
  from: Tide Notes <notes@example.org>
  unsubscribe_mailto: leave@example.org
  unsubscribe_url: https://news.example.org/leave?who={address}
";

const BODY: &str = "High <strong>water</strong>.";

/// The code blocks of the page in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let open = format!("```{language}\n");
    PAGE.split(open.as_str()).skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}

/// What the page says of each variable: its example.
fn written() -> BTreeMap<String, Json> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |row: &str| {
        let (name, rest) = row.split_once("` | ").unwrap();
        let (_, example) = rest.trim_end_matches("` |").rsplit_once("| `").unwrap();
        (name.to_owned(), serde_json::from_str(example).unwrap_or_else(|error| panic!("{name}: {error}: {example}")))
    };
    rows.map(row).collect()
}

fn config() -> Config {
    Config::parse("slugline.yaml", PROJECT).unwrap()
}

fn issue(config: &Config) -> (Issue, Cover) {
    let text = format!("---\n{}---\n", blocks("yaml")[0]);
    let source = Source { path: "spring.md", below_content: "spring.md", changed: None };
    let block = split("spring.md", text.as_bytes()).unwrap();
    let issue = assemble(source, &block, &config.publication, &config.permalink).issue.unwrap();
    let cover = Cover { size: Some((600, 400)), ..crate::content::cover::promised(&issue).unwrap() };
    (issue, cover)
}

fn lin() -> Recipient {
    let attributes = [("city".to_owned(), "Hangzhou".into())].into_iter().collect();
    Recipient { name: "Lin".to_owned(), attributes, ..Recipient::of_address("lin@example.org".parse().unwrap()) }
}

/// Every variable by its name, as the page writes it.
fn named(prefix: &str, value: &Json, all: &mut BTreeMap<String, Json>) {
    let is_free = ["issue.params", "issues[].params", "subscriber.attributes"].contains(&prefix);
    match value {
        Json::Object(fields) if !is_free => {
            let dot = if prefix.is_empty() { "" } else { "." };
            fields.iter().for_each(|(name, field)| named(&format!("{prefix}{dot}{name}"), field, all));
        }
        Json::Array(items) if items.first().is_some_and(Json::is_object) => {
            named(&format!("{prefix}[]"), &items[0], all);
        }
        _ => drop(all.insert(prefix.to_owned(), value.clone())),
    }
}

#[test]
fn the_page_names_every_variable_with_its_value() {
    let config = config();
    let (issue, cover) = issue(&config);
    let leave =
        crate::edition::recipient::Unsubscribe::new(config.mail.as_ref().map(|mail| &mail.edition).unwrap()).unwrap();
    let leave = leave.of(&lin()).unwrap();
    let fields = Fields::new(&config.publication, &issue, Some(&cover), BODY.to_owned(), BODY.to_owned());
    let mut offered = BTreeMap::new();
    named("", &serde_json::to_value(fields.for_html(&lin(), &leave)).unwrap(), &mut offered);

    let time = |text: &str| text.parse().unwrap();
    let (start, end) = (time("2026-11-16T00:00:00Z"), time("2026-11-23T00:00:00Z"));
    let period = Period { name: PeriodName::new("2026-W47").unwrap(), start, end };
    let sections = [Section { issue: &issue, cover: Some(cover), body: Document::parse("") }];
    let digest = digest::fields(&config.publication, Extent::Full, &period, &sections);
    let mut of_digest = BTreeMap::new();
    named("", &serde_json::to_value(digest.for_html(&lin(), &leave)).unwrap(), &mut of_digest);
    of_digest.retain(|name, _| name.starts_with("digest.") || name.starts_with("issues[]."));
    of_digest.retain(|name, _| !offered.contains_key(&name.replace("issues[].", "issue.")));
    of_digest.insert("issues[].body".to_owned(), BODY.into());
    offered.extend(of_digest);
    assert_eq!(written(), offered);
}

#[test]
fn every_template_of_the_page_works() {
    let config = config();
    let (issue, _) = issue(&config);
    let [html, text] = blocks("jinja")[..] else { panic!("the page has two templates") };
    let own = |name: &str| {
        let of_project = [(template::ISSUE.html, html), (template::ISSUE.text, text)];
        Ok(of_project.into_iter().find(|(other, _)| *other == name).map(|(_, text)| text.to_owned()))
    };
    let body = Document::parse("High **water**.");
    let mail = config.mail.as_ref().map(|mail| &mail.edition);
    let edition = Edition::prepare(&config.publication, mail, &issue, None, &body, &own).unwrap();
    let page = edition.html(&lin()).unwrap();
    assert!(page.contains("Dear Lin,") && page.contains("color:#0b3d5c"), "{page}");
    let expected = "Dear Lin,\n\nSpring tides\n============\n\nHigh water.\n\nhttps://tides.example.org/spring-tides/\n\
                    Leave: https://news.example.org/leave?who=lin%40example.org\n";
    assert_eq!(edition.text(&lin()).unwrap(), expected);
}
