//! Proves the reference pages in `docs/reference` from the program, both ways: nothing is missing and nothing invented.
//!
//! `commands.md` and `rules.md` are what the program prints: `SNAPSHOTS=overwrite` writes them anew. `json.md` is proved by
//! `json`. The others are written by hand, and their keys compared with those in the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::program::{files, is_rust, repository, slugline};

/// What `SNAPSHOTS=overwrite` writes.
pub fn is_page(name: &str, expected: &str) {
    let path = repository().join("docs/reference").join(name);
    if env::var_os("SNAPSHOTS").is_some_and(|word| word == "overwrite") {
        fs::write(&path, expected).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    let hint = "`SNAPSHOTS=overwrite cargo test --test it reference` writes it anew";
    let differing = page.lines().zip(expected.lines()).find(|(page, expected)| page != expected);
    assert!(page == expected, "{name} is not what the program prints; {hint}\n{differing:?}");
}

#[test]
fn commands_are_those_of_the_command_line() {
    let mut page = "# Commands\n\nWhat `--help` prints, for every command. Generated from the program.\n".to_owned();
    for (name, help) in commands() {
        write!(page, "\n## {}\n\n```text\n{}\n```\n", format!("slugline {name}").trim_end(), help.trim_end()).unwrap();
    }
    is_page("commands.md", &page);
}

/// Every command, the program itself first with an empty name, and its help.
fn commands() -> Vec<(String, String)> {
    let mut commands = Vec::new();
    let mut pending = vec![Vec::<String>::new()];
    while let Some(command) = pending.pop() {
        let help = help(&command);
        pending.extend(subcommands(&help).into_iter().rev().map(|name| [command.as_slice(), &[name]].concat()));
        commands.push((command.join(" "), help));
    }
    commands
}

fn help(command: &[String]) -> String {
    let output = slugline(repository()).args(command).arg("--help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The names below `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn rules_are_those_of_check() {
    let output = slugline(repository()).args(["check", "--rules", "--json"]).output().unwrap();
    let rules: Vec<BTreeMap<String, String>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut page = "# Check rules\n\nEverything that `slugline check` reports. Switch a rule off with `check.off` in the project \
                    file. Generated from\nthe program.\n\n| rule | severity | finds | why, and what to do |\n|---|---|---|---|\n"
        .to_owned();
    for rule in rules {
        let [name, severity, about, help] =
            ["rule", "severity", "about", "help"].map(|key| rule[key].replace('|', "\\|"));
        writeln!(page, "| `{name}` | {severity} | {about} | {help} |").unwrap();
    }
    is_page("rules.md", &page);
}

#[test]
fn keys_of_the_project_file_are_those_of_the_program() {
    let (known, documented) = (project_keys(), keys_of("project-file.md", &[0]));
    let is_parent = |key: &str| known.iter().any(|other| other.starts_with(&format!("{key}.")));
    let missing: Vec<&String> = known.iter().filter(|key| !documented.contains(*key) && !is_parent(key)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "describe them in docs/reference/project-file.md");
    assert_eq!(documented.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "no such keys");
}

#[test]
fn the_file_that_init_writes_explains_every_key() {
    let file = fs::read_to_string(repository().join("templates/slugline.yaml")).unwrap();
    let words: BTreeSet<&str> = file.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').collect();
    let keys = project_keys();
    let unnamed = keys.iter().filter(|key| !words.contains(key.rsplit('.').next().unwrap()));
    assert_eq!(unnamed.collect::<Vec<_>>(), Vec::<&String>::new(), "name them in templates/slugline.yaml");
}

/// Below its first lines, which are prose, a `#` at the start of a line hides a default or an example.
#[test]
fn every_example_in_the_file_that_init_writes_is_read() {
    let project = tempfile::tempdir().unwrap();
    assert!(
        slugline(project.path()).args(["init", "--base-url", "https://tides.example.org"]).status().unwrap().success()
    );
    let path = project.path().join("slugline.yaml");
    let file = fs::read_to_string(&path).unwrap();
    let (_, file) = file.split_once("\ntitle:").unwrap();
    let lines = file.lines().map(|line| line.strip_prefix("# ").unwrap_or(line.trim_start_matches('#')));
    fs::write(&path, format!("title:{}", lines.collect::<Vec<_>>().join("\n"))).unwrap();
    fs::create_dir(project.path().join("content")).unwrap();
    fs::write(project.path().join("content/a.md"), "---\ntitle: A\ndate: 2026-11-20\n---\nText.\n").unwrap();
    let output = slugline(project.path()).arg("list").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn keys_of_the_front_matter_are_those_of_the_program() {
    let documented = keys_of("front-matter.md", &[0, 1]).into_iter().map(|key| key.to_lowercase());
    assert_eq!(documented.collect::<BTreeSet<_>>(), front_matter_keys());
}

/// Every key of the project file, dotted: the fields of the structs in `src/config/raw`, from `RawConfig` on.
fn project_keys() -> BTreeSet<String> {
    let code = code_below("src/config/raw") + &fs::read_to_string(repository().join("src/config/raw.rs")).unwrap();
    let mut types: BTreeMap<String, Vec<(Option<String>, String)>> = BTreeMap::new();
    let mut current = String::new();
    for line in code.lines() {
        let line = line.trim();
        let words: Vec<&str> = line.split([' ', '<', '{']).collect();
        if let Some(at) = words.iter().position(|word| matches!(*word, "struct" | "enum"))
            && line.starts_with("pub")
        {
            words[at + 1].clone_into(&mut current);
        } else if line == "}" {
            current.clear();
        } else if !current.is_empty() && !line.starts_with(['#', '/']) {
            let field = line.strip_prefix("pub ").and_then(|line| line.trim_end_matches(',').split_once(": "));
            let entry = match field {
                Some((name, of)) => (Some(name.trim_start_matches("r#").to_owned()), of.to_owned()),
                None => (None, line.to_owned()),
            };
            types.entry(current.clone()).or_default().push(entry);
        }
    }
    let mut keys = BTreeSet::new();
    collect(&types, "RawConfig", "", &mut keys);
    assert!(keys.len() > 70, "the project file has lost its keys: {keys:?}");
    keys
}

/// The keys of a type below `prefix`, and those of the types that its fields or variants name.
fn collect(
    types: &BTreeMap<String, Vec<(Option<String>, String)>>,
    name: &str,
    prefix: &str,
    keys: &mut BTreeSet<String>,
) {
    for (field, of) in &types[name] {
        let key = field.as_ref().map(|field| format!("{prefix}{field}"));
        let below = key.as_ref().map_or(prefix.to_owned(), |key| format!("{key}."));
        keys.extend(key);
        let named = of.split(|letter: char| !letter.is_alphanumeric()).filter(|word| types.contains_key(*word));
        named.for_each(|name| collect(types, name, &below, keys));
    }
}

/// Every name of a field that the code which reads front matter asks for: `fields.text("title")`, `read("date")`.
fn front_matter_keys() -> BTreeSet<String> {
    let code = code_below("src/content");
    let (_, covers) = code.split_once("pub const FIELDS: [&str; 13] = [").expect("the names of covers");
    let covers = covers.split(']').next().unwrap().split('"').skip(1).step_by(2);
    let other_names = ["RENAMED: [(&str, &str); 6] = [", "ADDRESSES: [&str; 2] = ["].map(|table| {
        let (_, names) = code.split_once(table).expect("other names of fields");
        names.split("];").next().unwrap().split('"').skip(1).step_by(2)
    });
    let methods = code.split("fields.").skip(1);
    let methods =
        methods.map(|rest| rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase() || letter == '_'));
    let functions =
        [" read(", "(read(", "terms(fields, "].into_iter().flat_map(|function| code.split(function).skip(1));
    let asked =
        methods.filter_map(|rest| rest.strip_prefix("(\"")).chain(functions.filter_map(|rest| rest.strip_prefix('"')));
    asked
        .filter_map(|rest| rest.split('"').next())
        .chain(covers)
        .chain(other_names.into_iter().flatten())
        .map(str::to_owned)
        .collect()
}

/// The code of all files below a folder, without unit tests.
fn code_below(folder: &str) -> String {
    let folder = repository().join(folder);
    let paths = files(&folder).into_iter().filter(|path| is_rust(path) && !path.ends_with("tests.rs"));
    let text = |path: &Path| fs::read_to_string(folder.join(path)).unwrap();
    paths.map(|path| text(&path).split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned()).collect()
}

/// The code spans in these columns of all tables of a page.
fn keys_of(page: &str, columns: &[usize]) -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join("docs/reference").join(page)).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells = rows.flat_map(|row| row.split('|').skip(1).enumerate());
    let cells = cells.filter(|(at, _)| columns.contains(at)).map(|(_, cell)| cell);
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}
