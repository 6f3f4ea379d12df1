//! `docs/reference/json.md`, made from the structs in the sources: a document is a struct whose doc comment begins with
//! "The document of `COMMAND`", its fields and their comments are the keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::json::documents;
use crate::program::{files, is_rust, repository};
use crate::reference::is_page;

/// Documents that are written row by row: command, key of the rows, file and struct of a row.
const STREAMED: [(&str, &str, &str, &str); 8] = [
    ("status", "mailings[]", "src/cli/status/document.rs", "MailingRow"),
    ("status", "mailings[].deliveries[]", "src/cli/status/document.rs", "DeliveryRow"),
    ("status", "transactional", "src/cli/status/document.rs", "Transactional"),
    ("status", "unsubscribed", "src/cli/status/document.rs", "Unsubscribed"),
    ("subscribers list", "subscribers[]", "src/subscription/export.rs", "Row"),
    ("subscribers export", "subscribers[]", "src/subscription/export.rs", "Row"),
    ("inbox --dry-run", "[]", "src/cli/inbox/dry_run.rs", "MessageRow"),
    ("check --rules", "[]", "src/cli/check.rs", "RuleRow"),
];

const INTRODUCTION: &str = "\
# JSON output

With `--json` every command writes exactly one JSON document to stdout, when it has ended (`preview`: when its page can be
opened). Messages and findings for people still go to stderr. The document is an object; only `check --rules` and `inbox --dry-run` write an array.

- `findings` is in every document but lists of subscribers: everything that was reported, as below.
- `error` is there if and only if the exit code is 2. A command that could not do its work writes nothing else but `error` and
  `findings`. Usage errors are documents too.
- With exit code 1 the document says what needs attention.

Keys are never renamed; new ones may be added. Times are RFC 3339. An email address is always `address`. Generated from the
program.

";

/// A field of a struct.
struct Field {
    key: String,
    meaning: String,
    rust_type: String,
    is_flattened: bool,
    may_be_absent: bool,
}

/// The structs that are written as JSON, by file and name: what each is, and its fields.
type Structs = BTreeMap<(PathBuf, String), (String, Vec<Field>)>;

/// A key of a document: its path, type and meaning.
type Key = (String, String, String);

#[test]
fn the_page_lists_every_key_of_every_document() {
    let pages = pages();
    let mut page = INTRODUCTION.to_owned();
    for (title, keys) in &pages {
        writeln!(page, "## {title}\n\n| key | type | meaning |\n|---|---|---|").unwrap();
        for (key, of_type, meaning) in keys {
            assert!(!meaning.is_empty(), "{title}: `{key}` has no comment");
            writeln!(page, "| `{key}` | {of_type} | {meaning} |").unwrap();
        }
        page.push('\n');
    }
    is_page("json.md", &format!("{}\n", page.trim_end()));
    for (command, document) in documents() {
        let command = command.replacen('-', " ", 1);
        let keys = &pages.iter().find(|(title, _)| *title == format!("`slugline {command}`")).unwrap().1;
        let mut written = Vec::new();
        add_keys(&document, "", &mut written);
        written.retain(|key| !key.starts_with("findings") && !is_known(key, keys));
        assert_eq!(written, Vec::<String>::new(), "`{command}` writes keys that no struct has");
    }
}

/// Whether a key of a document is on the page, or below an object whose keys are not listed, such as counts by state.
fn is_known(key: &str, keys: &[Key]) -> bool {
    let is_below = |key: &str, known: &str| key.strip_prefix(known).is_some_and(|rest| rest.starts_with('.'));
    let is_open = |known: &str| !keys.iter().any(|(other, _, _)| is_below(other, known));
    keys.iter().any(|(known, _, _)| key == known || is_below(key, known) && is_open(known))
}

/// Title and keys of every section.
fn pages() -> Vec<(String, Vec<Key>)> {
    let structs = structs();
    let mut pages = BTreeMap::new();
    for ((file, name), (about, _)) in &structs {
        let Some(command) = about.strip_prefix("The document of `").and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        pages.insert(command.to_owned(), keys(&structs, file, name, ""));
    }
    for (command, rows, file, name) in STREAMED {
        let (about, _) = &structs[&(PathBuf::from(file), name.to_owned())];
        let all = pages.entry(command.to_owned()).or_insert_with(Vec::new);
        all.push((rows.to_owned(), "object".to_owned(), about.trim_end_matches('.').to_owned()));
        all.extend(keys(&structs, Path::new(file), name, &format!("{rows}.")));
    }
    let shared = Path::new("src/cli/report/json.rs");
    let mut all = vec![
        ("Findings".to_owned(), keys(&structs, shared, "FindingRow", "findings[].")),
        ("Errors".to_owned(), keys(&structs, shared, "ErrorRow", "error.")),
    ];
    all.extend(pages.into_iter().map(|(command, keys)| (format!("`slugline {command}`"), keys)));
    all
}

/// The keys of a struct below `prefix`.
fn keys(structs: &Structs, file: &Path, name: &str, prefix: &str) -> Vec<Key> {
    let mut found = Vec::new();
    let (_, fields) = &structs[&(file.to_owned(), name.to_owned())];
    for field in fields {
        let inner = inner(structs, file, &field.rust_type);
        if field.is_flattened {
            let (file, name) = inner.unwrap_or_else(|| panic!("{name}: {} is no struct", field.rust_type));
            found.extend(keys(structs, &file, &name, prefix));
            continue;
        }
        let is_list = field.rust_type.contains("Vec<") || field.rust_type.contains("&'a [");
        let key = format!("{prefix}{}{}", field.key, if is_list { "[]" } else { "" });
        let absent = if field.may_be_absent { ", may be absent" } else { "" };
        match inner {
            Some((_, name)) if ["FindingRow", "ErrorRow"].contains(&name.as_str()) => {
                found.push((key, format!("as above{absent}"), field.meaning.clone()));
            }
            Some((file, name)) => {
                found.push((
                    key.clone(),
                    format!("object{}{absent}", or_null(&field.rust_type)),
                    field.meaning.clone(),
                ));
                found.extend(keys(structs, &file, &name, &format!("{key}.")));
            }
            None => found.push((key, format!("{}{absent}", json_type(&field.rust_type)), field.meaning.clone())),
        }
    }
    found
}

/// The struct that a type is, holds or lists.
fn inner(structs: &Structs, file: &Path, rust_type: &str) -> Option<(PathBuf, String)> {
    let names = rust_type.split(|letter: char| !letter.is_alphanumeric() && letter != ':');
    let name = names
        .filter(|name| name.starts_with(char::is_uppercase))
        .find(|name| !["Option", "Vec", "String", "Cow", "Map", "Value", "PathBuf", "Path"].contains(name))?;
    let here = (file.to_owned(), name.to_owned());
    if structs.contains_key(&here) {
        return Some(here);
    }
    structs.keys().find(|(_, other)| other == name).cloned()
}

fn or_null(rust_type: &str) -> &'static str {
    if rust_type.starts_with("Option<") { " or null" } else { "" }
}

fn json_type(rust_type: &str) -> String {
    let name = match rust_type {
        _ if rust_type.contains("Map<") || rust_type == "CountsByState" => "object",
        _ if rust_type.contains("bool") => "boolean",
        _ if ["usize", "u64", "u32", "i64"].iter().any(|number| rust_type.contains(number)) => "number",
        _ => "string",
    };
    format!("{name}{}", or_null(rust_type))
}

/// Every key of a value, as the page names it.
fn add_keys(value: &Value, prefix: &str, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = format!("{prefix}{key}");
                match value {
                    Value::Array(rows) => {
                        keys.push(format!("{key}[]"));
                        rows.iter().for_each(|row| add_keys(row, &format!("{key}[]."), keys));
                    }
                    _ => {
                        keys.push(key.clone());
                        add_keys(value, &format!("{key}."), keys);
                    }
                }
            }
        }
        Value::Array(rows) => rows.iter().for_each(|row| add_keys(row, "[].", keys)),
        _ => {}
    }
}

/// The structs of the sources that derive `Serialize`.
fn structs() -> Structs {
    let mut structs = Structs::new();
    let folder = repository().join("src/cli");
    let below = files(&folder).into_iter().filter(|path| is_rust(path)).map(|path| Path::new("src/cli").join(path));
    for path in below.chain([PathBuf::from("src/subscription/export.rs")]) {
        let text = fs::read_to_string(repository().join(&path)).unwrap();
        for part in text.split("\n\n").filter(|part| part.contains("Serialize)]\n")) {
            if let Some((name, about, fields)) = parsed(part) {
                structs.insert((path.clone(), name), (about, fields));
            }
        }
    }
    structs
}

/// Name, comment and fields of the struct in a paragraph of source.
fn parsed(part: &str) -> Option<(String, String, Vec<Field>)> {
    let (mut name, mut about, mut comment) = (None, String::new(), String::new());
    let (mut attributes, mut fields) = (String::new(), Vec::new());
    for line in part.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment = format!("{comment} {text}").trim().to_owned();
        } else if line.starts_with('#') {
            attributes.push_str(line);
        } else if let Some((_, rest)) = line.split_once("struct ") {
            name = rest.split(['<', ' ', '{']).next().map(str::to_owned);
            about = std::mem::take(&mut comment);
            attributes.clear();
        } else if line == "}" {
            break;
        } else if let Some((field, rust_type)) = line.split_once(": ") {
            let key = field.rsplit(' ').next().unwrap_or(field);
            let renamed = attributes.split_once("rename = \"").and_then(|(_, rest)| rest.split('"').next());
            fields.push(Field {
                key: renamed.unwrap_or(key).to_owned(),
                meaning: std::mem::take(&mut comment).trim_end_matches('.').replace('|', "\\|"),
                rust_type: rust_type.trim_end_matches(',').to_owned(),
                is_flattened: attributes.contains("flatten"),
                may_be_absent: attributes.contains("skip_serializing_if"),
            });
            attributes.clear();
        }
    }
    Some((name?, about, fields))
}
