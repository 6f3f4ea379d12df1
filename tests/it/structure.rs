//! Keeps the shape of the source tree: who may use whom, who may touch the outside, how long a file is, what it is
//! called. ARCHITECTURE.md tells why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use graph::Graph;
use source::{Source, code, functions, is_test, lines, mentions, sources, without_tests};

use crate::program::{files, is_rust, repository};

mod dependencies;
mod graph;
mod source;

/// The kinds of module in their order: a module uses the kinds before its own, and its own kind without a cycle.
const KINDS: [(&str, &[&str]); 5] = [
    (
        "nouns",
        &[
            "bounce",
            "consent",
            "digest",
            "email",
            "finding",
            "hex",
            "issue",
            "ledger",
            "letter",
            "publication",
            "rate",
            "renamed",
            "reply",
            "subscriber",
            "transactional_message",
            "unsubscription",
        ],
    ),
    (
        "transforms",
        &[
            "authentication", "check", "content", "covers_lock", "dkim", "edition", "feed", "incoming", "page",
            "picture", "shortcodes", "statistics", "templates", "token",
        ],
    ),
    ("edges", &["disk", "dns", "fault", "http", "mailbox", "smtp", "store"]),
    (
        "use cases",
        &[
            "compose", "config", "covers", "delivery", "diagnosis", "identity", "inbox", "load", "preview", "private",
            "publish", "resources", "review", "send", "serve", "subscription", "transactional", "transport",
        ],
    ),
    ("faces", &["cli", "web"]),
];

/// Uses that the order of kinds lets pass, and that are wrong all the same: who, whom, and why not.
const NEVER: [(&str, &str, &str); 4] = [
    ("disk", "edition", "it reads and writes, and decides nothing"),
    ("load", "feed", "an issue has its id whether there are feeds or not"),
    ("page", "edition", "a page is no mail"),
    ("authentication", "edition", "a key is known without a mail"),
];

/// Uses that are wrong and still there.
const STILL_THERE: [(&str, &str); 0] = [];

/// What reaches the world outside, and the modules that may hold it. `main.rs` and `lib.rs` only join them.
const OUTSIDE: [(&str, &[&str]); 20] = [
    ("std::fs", &["disk", "fault", "mailbox", "store", "web", "cli"]),
    ("std::net", &["dns", "http", "mailbox", "smtp", "store", "web", "cli"]),
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
    ("eprint!", &["cli/report"]),
    ("eprintln!", &["cli/report"]),
    ("Utc::now", &["cli/clock"]),
    ("Local::now", &["cli/clock"]),
    ("SystemTime::now", &["cli/clock"]),
];

/// Modules whose children still use one another in a circle.
const WITH_CIRCLES: [&str; 2] = ["cli", "store/postgres"];

/// Lines of code of a file, tests and comments left out, and the files that may have more, each with its reason.
const MAX_LINES: usize = 300;
const MAY_BE_LONGER: [(&str, &str); 5] = [
    ("src/delivery/dispatcher.rs", "the whole way of a recipient, in one place"),
    ("src/store/sqlite/ledger.rs", "every statement on the tables of the ledger"),
    ("src/subscription/services.rs", "one table, service by service"),
    ("tests/it/doctor.rs", "what `doctor` says is quoted whole"),
    ("tests/it/smtp_peer.rs", "one dialogue, step by step"),
];

/// Lines of code of a function of the program, and the functions that may have more, each with its reason.
const MAX_FUNCTION_LINES: usize = 40;
const MAY_BE_LONGER_FUNCTIONS: [(&str, &str, &str); 13] = [
    ("benches/send/main.rs", "slugline", "one struct with all that a sending takes"),
    ("src/config/resolve.rs", "mail_config", "one struct, field by field"),
    ("src/content/assemble.rs", "issue", "one struct, field by field"),
    ("src/content/format/body/script.rs", "ends", "one arm for each sign of a script"),
    ("src/content/plain_text.rs", "start", "one arm for each tag"),
    ("src/content/plain_text/raw_html.rs", "html_tag", "one arm for each tag"),
    ("src/diagnosis/dkim.rs", "key", "one arm for each state of a key"),
    ("src/edition/template_split.rs", "split", "one loop over the pieces of a template"),
    ("src/edition/pictures.rs", "choose", "one loop over the pictures of an edition"),
    ("src/identity.rs", "by_body", "one loop over the issues that lack an id"),
    ("src/review.rs", "review", "every part of the project, in the order of the findings"),
    ("src/store/moving/table.rs", "columns", "one arm for each table"),
    ("src/store/sqlite/subscribers.rs", "add", "one transaction"),
];

/// Names that say nothing of what a module is for.
const NO_NAMES: [&str; 9] = ["common", "data", "helper", "helpers", "manager", "misc", "types", "util", "utils"];

#[test]
fn modules_use_the_kinds_before_their_own() {
    let wrong = against_the_order(&sources());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What modules use of the kinds after their own.
fn against_the_order(sources: &[Source]) -> Vec<String> {
    let graph = Graph::new(sources);
    let mut wrong = Vec::new();
    for source in sources {
        let Some(kind) = kind_of(&source.module) else { continue };
        for used in graph.uses(&source.name) {
            match kind_of(used) {
                None => wrong.push(format!("{} uses `{used}`, which is of no kind", source.path.display())),
                Some(other) if other > kind => wrong.push(format!(
                    "{}, one of the {}, uses `{used}`, one of the {}",
                    source.path.display(),
                    KINDS[kind].0,
                    KINDS[other].0
                )),
                Some(_) => {}
            }
        }
    }
    wrong
}

#[test]
fn modules_use_only_what_is_theirs_to_know() {
    let still_there: BTreeSet<(String, String)> =
        STILL_THERE.map(|(user, used)| (user.to_owned(), used.to_owned())).into();
    let wrong = wrong_uses(&sources());
    let found: BTreeSet<(String, String)> = wrong.keys().cloned().collect();
    assert_eq!(found, still_there, "{wrong:#?}");
}

/// Uses of one module by another that are wrong, each with the reason.
fn wrong_uses(sources: &[Source]) -> BTreeMap<(String, String), &'static str> {
    let graph = Graph::new(sources);
    let mut wrong = BTreeMap::new();
    for source in sources {
        for used in graph.uses(&source.name).into_iter().filter(|used| *used != source.module) {
            if let Some(why) = why_not(&source.module, used) {
                wrong.insert((source.module.clone(), used.to_owned()), why);
            }
        }
    }
    wrong
}

/// Why a module may not use another, if it may not.
fn why_not(user: &str, used: &str) -> Option<&'static str> {
    let is_of = |module: &str, kind: &str| kind_of(module).is_some_and(|at| KINDS[at].0 == kind);
    if is_of(user, "edges") && is_of(used, "edges") && used != "fault" {
        return Some("an edge knows one outside thing; who needs two of them is a use case");
    }
    if used == "config" && ["nouns", "transforms", "edges"].into_iter().any(|kind| is_of(user, kind)) {
        return Some("options belong to whom they configure; only use cases and faces know the project file");
    }
    NEVER.iter().find(|(not, this, _)| (*not, *this) == (user, used)).map(|(_, _, why)| *why)
}

#[test]
fn every_module_is_of_a_kind_and_every_kind_of_modules() {
    let known: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    let strangers: Vec<&String> = known.iter().filter(|module| kind_of(module).is_none()).collect();
    assert_eq!(strangers, ["lib", "main"], "say in `KINDS` of what kind a new module is");
    let named = KINDS.iter().flat_map(|(_, modules)| *modules);
    assert_eq!(named.filter(|module| !known.contains(**module)).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn the_table_of_kinds_is_that_of_the_document() {
    let document = fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let (_, table) = document.split_once("| kind | what it is | modules |\n|---|---|---|\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.split_once(" | "));
    let told: Vec<(&str, BTreeSet<&str>)> = rows
        .map(|(kind, row)| (kind, row.rsplit_once(" | ").map_or(row, |(_, modules)| modules)))
        .map(|(kind, modules)| (kind, modules.split('`').skip(1).step_by(2).collect()))
        .collect();
    assert_eq!(told, KINDS.map(|(kind, modules)| (kind, modules.iter().copied().collect())));
}

#[test]
fn siblings_use_each_other_without_a_circle() {
    let sources = sources();
    let graph = Graph::new(&sources);
    let root = [String::new()].into_iter();
    let circles =
        root.chain(Graph::parents(&sources)).filter_map(|parent| Some((graph.circle_below(&parent)?, parent)));
    let circles: BTreeMap<String, String> = circles.map(|(circle, parent)| (parent, circle)).collect();
    let known: BTreeSet<&str> = circles.keys().map(String::as_str).collect();
    assert_eq!(known, BTreeSet::from(WITH_CIRCLES), "{circles:#?}");
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

/// The Rust files of a folder that are not tests by their names: path and text.
fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let paths = files(&repository().join(folder)).into_iter().filter(|path| is_rust(path) && !is_test(path));
    let paths = paths.map(|path| Path::new(folder).join(path));
    paths.map(|path| (path.clone(), fs::read_to_string(repository().join(&path)).unwrap())).collect()
}

/// Path and code of the program, of the integration tests and of the benches. Unit tests are left out.
fn all_code(folders: &[&str]) -> Vec<(String, String)> {
    let program: Vec<PathBuf> = sources().into_iter().map(|source| Path::new("src").join(source.path)).collect();
    let texts = folders.iter().flat_map(|folder| texts(folder));
    let counted = texts.filter(|(path, _)| !path.starts_with("src") || program.contains(path));
    counted.map(|(path, text)| (path.display().to_string(), without_tests(&code(&text)))).collect()
}

#[test]
fn files_say_what_they_are_for() {
    let texts = ["src", "tests/it", "benches"].into_iter().flat_map(texts);
    let silent: Vec<PathBuf> = texts.filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "these files do not begin with a `//!` header: {silent:?}");
}

#[test]
fn files_are_short() {
    let long: BTreeMap<String, usize> = all_code(&["src", "tests/it", "benches"])
        .into_iter()
        .map(|(path, code)| (path, lines(&code)))
        .filter(|(_, count)| *count > MAX_LINES)
        .collect();
    let may: BTreeSet<&str> = MAY_BE_LONGER.map(|(file, _)| file).into();
    let too_long: BTreeSet<&str> = long.keys().map(String::as_str).collect();
    assert_eq!(too_long, may, "look for a second idea inside, or update `MAY_BE_LONGER`: {long:?}");
}

#[test]
fn functions_are_short() {
    let mut long: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (path, code) in all_code(&["src", "benches"]) {
        let too_long = functions(&code).into_iter().filter(|(_, count)| *count > MAX_FUNCTION_LINES);
        long.extend(too_long.map(|(name, count)| ((path.clone(), name), count)));
    }
    let may: BTreeSet<(&str, &str)> = MAY_BE_LONGER_FUNCTIONS.map(|(file, name, _)| (file, name)).into();
    let too_long: BTreeSet<(&str, &str)> = long.keys().map(|(file, name)| (file.as_str(), name.as_str())).collect();
    assert_eq!(too_long, may, "look for a second idea inside, or update `MAY_BE_LONGER_FUNCTIONS`: {long:?}");
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
fn a_module_with_children_is_a_file_beside_their_folder() {
    for folder in ["src", "tests/it", "benches"] {
        let paths: Vec<PathBuf> = files(&repository().join(folder)).into_iter().filter(|path| is_rust(path)).collect();
        let old: Vec<&PathBuf> = paths.iter().filter(|path| path.ends_with("mod.rs")).collect();
        assert!(old.is_empty(), "`foo.rs` and `foo/`, not `foo/mod.rs`: {old:?}");
        let is_beside = |path: &Path, other: &Path| other != path && other.starts_with(path.parent().unwrap());
        let is_alone = |path: &&PathBuf| !paths.iter().any(|other| is_beside(path, other));
        let alone: Vec<&PathBuf> = paths.iter().filter(|path| path.ends_with("tests.rs")).filter(is_alone).collect();
        assert!(
            alone.is_empty(),
            "tests that are the only file of their folder stand in the file beside it: {alone:?}"
        );
    }
}

fn kind_of(module: &str) -> Option<usize> {
    KINDS.iter().position(|(_, modules)| modules.contains(&module))
}

/// A rule that nothing can break is none.
#[test]
fn what_the_rules_forbid_is_found() {
    let files = |path: &str, text: &str| vec![Source::new(Path::new(path), text), Source::new(Path::new("cli.rs"), "")];
    assert_eq!(
        against_the_order(&files("feed/rss.rs", "use crate::cli::Exit;")),
        ["feed/rss.rs, one of the transforms, uses `cli`, one of the faces"]
    );
    assert_eq!(against_the_order(&files("web/live.rs", "use crate::cli::Exit;")), Vec::<String>::new());
    for (user, used) in [
        ("smtp", "config"),
        ("smtp", "disk"),
        ("store", "config"),
        ("store", "disk"),
        ("disk", "edition"),
        ("load", "feed"),
        ("page", "edition"),
        ("authentication", "edition"),
    ] {
        let user_file = Source::new(Path::new(&format!("{user}/part.rs")), &format!("use crate::{used}::Thing;"));
        let used_file = Source::new(Path::new(&format!("{used}.rs")), "pub struct Thing;");
        let found = wrong_uses(&[user_file, used_file]);
        assert_eq!(found.into_keys().collect::<Vec<_>>(), [(user.to_owned(), used.to_owned())]);
    }
    for (user, used) in [("store", "fault"), ("publish", "config"), ("preview", "edition"), ("publish", "feed")] {
        assert_eq!(why_not(user, used), None, "{user} uses {used}");
    }
}
