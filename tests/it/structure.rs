//! Keeps the shape of the source tree: who may use whom, who may touch the outside, how long a file is, what it is
//! called. ARCHITECTURE.md tells why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{files, is_rust, repository};

/// The kinds of module in their order: a module uses the kinds before its own, and its own kind without a cycle.
const KINDS: [(&str, &[&str]); 5] = [
    ("noun", &["digest", "email", "finding", "issue", "ledger", "letter", "publication", "rate", "subscriber"]),
    (
        "transform",
        &[
            "authentication", "check", "content", "covers_lock", "dkim", "edition", "feed", "page", "picture",
            "shortcodes", "statistics", "templates", "token",
        ],
    ),
    ("edge", &["disk", "dns", "fault", "http", "outbox", "smtp", "store"]),
    (
        "use case",
        &[
            "bounces", "config", "covers", "delivery", "diagnosis", "identity", "load", "preview", "publish",
            "resources", "review", "subscription",
        ],
    ),
    ("face", &["cli", "web"]),
];

/// What reaches the world outside, and the modules that may hold it. `main.rs` and `lib.rs` only join them.
const OUTSIDE: [(&str, &[&str]); 18] = [
    ("std::fs", &["disk", "fault", "store", "web", "cli"]),
    ("std::net", &["dns", "http", "smtp", "store", "web", "cli"]),
    ("std::env", &["disk", "fault", "store", "web", "cli", "main"]),
    ("process::Command", &["disk/git"]),
    ("process::exit", &[]),
    ("SmtpConnection", &["smtp"]),
    ("postgres::Client", &["store"]),
    ("rusqlite", &["store"]),
    ("ureq", &["http"]),
    ("hickory_resolver", &["dns"]),
    ("ExitCode", &["main"]),
    ("io::stdout", &["cli/report"]),
    ("io::stderr", &["cli/report"]),
    ("print!", &["cli/report"]),
    ("println!", &["cli/report"]),
    ("Utc::now", &["cli/clock"]),
    ("Local::now", &["cli/clock"]),
    ("SystemTime::now", &["cli/clock"]),
];

/// Lines of a file, tests included, and the files that may have more, each with its reason.
const MOST_LINES: usize = 400;
const MAY_BE_LONGER: [(&str, &str); 0] = [];

/// Names that say nothing of what a module is for.
const NO_NAMES: [&str; 9] = ["common", "data", "helper", "helpers", "manager", "misc", "types", "util", "utils"];

#[test]
fn modules_use_the_kinds_before_their_own() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(kind) = kind_of(&source.module) else { continue };
        for used in uses(&source.code) {
            match kind_of(&used) {
                None => wrong.push(format!("{} uses `{used}`, which is of no kind", source.path.display())),
                Some(other) if other > kind => wrong.push(format!(
                    "{}, a {}, uses `{used}`, a {}",
                    source.path.display(),
                    KINDS[kind].0,
                    KINDS[other].0
                )),
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_of_a_kind() {
    let known: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    let strangers: Vec<&String> = known.iter().filter(|module| kind_of(module).is_none()).collect();
    assert_eq!(strangers, ["lib", "main"], "say in `KINDS` of what kind a new module is");
}

#[test]
fn modules_of_one_kind_use_each_other_without_a_cycle() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let of_its_kind = uses(&source.code).into_iter().filter(|used| kind_of(used) == kind_of(&source.module));
        graph.entry(source.module.clone()).or_default().extend(of_its_kind.filter(|used| *used != source.module));
    }
    assert_eq!(cycle(&graph), None);
}

#[test]
fn only_named_modules_touch_the_outside() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (what, allowed) in OUTSIDE {
            let may = allowed.iter().any(|module| source.name == *module || source.module == *module);
            if !may && mentions(&source.code, what) {
                wrong.push(format!("{} holds `{what}`; only {} may", source.path.display(), allowed.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests/it", "benches"] {
        for path in files(&repository().join(folder)).into_iter().filter(|path| is_rust(path)) {
            let name = format!("{folder}/{}", path.display());
            let text = fs::read_to_string(repository().join(&name)).unwrap();
            let lines = text.lines().count();
            let longer = MAY_BE_LONGER.iter().any(|(file, _)| *file == name);
            if longer != (lines > MOST_LINES) {
                wrong.push(format!("{name} has {lines} lines: look for a second idea inside, or mend `MAY_BE_LONGER`"));
            }
            let is_test = path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
            if !is_test && !text.starts_with("//! ") {
                wrong.push(format!("{name} does not begin with a `//!` header that says what it is for"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_say_what_a_module_is_for() {
    let folders = ["src", "tests/it", "benches"].map(|folder| repository().join(folder));
    let paths = folders.iter().flat_map(|folder| files(folder));
    let says_nothing = |path: &PathBuf| {
        path.with_extension("").components().any(|part| NO_NAMES.iter().any(|name| part.as_os_str() == *name))
    };
    assert_eq!(paths.filter(says_nothing).collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).unwrap();
    let (manifest, reasons) = (read("Cargo.toml"), read("ARCHITECTURE.md"));
    let (_, section) = manifest.split_once("[dependencies]\n").unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let dependencies: BTreeSet<&str> = lines.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    let (_, table) = reasons.split_once("| crate | why |\n|---|---|\n").unwrap();
    let named = table.lines().filter_map(|line| line.split('|').nth(1)).flat_map(|names| names.split(','));
    assert_eq!(named.map(str::trim).collect::<BTreeSet<_>>(), dependencies);
    let sources = sources();
    let is_used = |name: &&str| sources.iter().any(|source| mentions(&source.code, &name.replace('-', "_")));
    assert_eq!(dependencies.into_iter().filter(|name| !is_used(name)).collect::<Vec<_>>(), Vec::<&str>::new());
}

/// A source file without its tests.
struct Source {
    path: PathBuf,
    /// The first part of its module path: `feed` for `src/feed/rss.rs`.
    module: String,
    /// Its module path with slashes: `feed/rss`.
    name: String,
    /// Its text without comments and tests.
    code: String,
}

/// Tests may use everything, so they are left out.
fn sources() -> Vec<Source> {
    let folder = repository().join("src");
    let is_code = |path: &PathBuf| is_rust(path) && !path.components().any(|part| part.as_os_str() == "tests");
    let paths = files(&folder).into_iter().filter(|path| is_code(path) && !path.ends_with("tests.rs"));
    paths.map(|path| source(&folder, path)).collect()
}

fn source(folder: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(folder.join(&path)).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let name = path.with_extension("").to_string_lossy().trim_end_matches("/mod").to_owned();
    let module = name.split('/').next().unwrap_or_default().to_owned();
    Source { path, module, name, code }
}

fn kind_of(module: &str) -> Option<usize> {
    KINDS.iter().position(|(_, modules)| modules.contains(&module))
}

/// The first parts of all paths that begin with `crate::`, those in braces too.
fn uses(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => used.extend(first_parts(group)),
            None => used.extend([name_at(after)]),
        }
    }
    used
}

/// The first part of every path in a group, up to the brace that closes it.
fn first_parts(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut parts = vec![name_at(group)];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(name_at(&group[at + 1..])),
            _ => {}
        }
    }
    parts.retain(|part| !part.is_empty() && part != "self");
    parts
}

fn name_at(text: &str) -> String {
    text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// Whether code holds a word or path as such, not as a part of a longer word. `use std::{fs, io}` is a mention of
/// `std::fs` too.
fn mentions(code: &str, what: &str) -> bool {
    let direct = code.match_indices(what).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + what.len()..].chars().next();
        let joins = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        !joins(before) && (what.ends_with('!') || !joins(after))
    });
    let in_group = what.split_once("::").is_some_and(|(root, name)| {
        let opening = format!("{root}::{{");
        code.split(&opening).skip(1).flat_map(first_parts).any(|part| part == name)
    });
    direct || in_group
}

/// A module that reaches itself.
fn cycle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<&String> {
    graph.keys().find(|start| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&String> = graph[*start].iter().collect();
        while let Some(module) = next.pop() {
            if seen.insert(module) {
                next.extend(graph.get(module).into_iter().flatten());
            }
        }
        seen.contains(start)
    })
}

/// The rules above are worth nothing if the reading of the sources is wrong.
#[test]
fn the_sources_are_read_right() {
    let code = "use crate::disk::{self, Project};\nuse crate::{cli::Exit, feed::{rss, atom}, store};\ncrate::load::x()";
    assert_eq!(uses(code).into_iter().collect::<Vec<_>>(), ["cli", "disk", "feed", "load", "store"]);
    assert!(mentions("use std::{fs, io};", "std::fs") && mentions("std::fs::read()", "std::fs"));
    assert!(!mentions("use std::{io, fmt};", "std::fs") && !mentions("std::fsync()", "std::fs"));
    assert!(mentions("eprintln!()", "print!") || mentions("println!()", "println!"));
    let graph = |edges: &[(&str, &str)]| {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(cycle(&graph(&[("a", "b"), ("b", "c")])), None);
    assert_eq!(cycle(&graph(&[("a", "b"), ("b", "c"), ("c", "b")])), Some(&"b".to_owned()));
}
