//! Who uses whom: from file to file, through imports, paths and what modules pass on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::source::{Source, is_of_word};

/// A path of modules and items: `["feed", "rss", "render"]`.
type Path = Vec<String>;

/// Which file uses what is defined in which other, by their names.
pub struct Graph {
    edges: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a file says of paths.
#[derive(Default)]
struct Said {
    /// Paths of what it uses.
    used: Vec<Path>,
    /// What it passes on, by the name it passes it on under.
    passed_on: BTreeMap<String, Path>,
}

impl Graph {
    /// Reads the sources. What a module only passes on (`pub use`) is used where it is defined, and naming a module
    /// alone is no use of it.
    pub fn new(sources: &[Source]) -> Self {
        let modules: BTreeSet<Path> = sources.iter().map(module).collect();
        let said: BTreeMap<Path, Said> =
            sources.iter().map(|source| (module(source), read(&module(source), &source.code, &modules))).collect();
        let mut edges: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (user, of) in &said {
            for path in &of.used {
                let used = home(path, &said, 0);
                if used != *user {
                    edges.entry(user.join("/")).or_default().entry(used.join("/")).or_insert(path.join("::"));
                }
            }
        }
        Self { edges }
    }

    /// The first parts of the modules that a file uses.
    pub fn uses(&self, name: &str) -> BTreeSet<&str> {
        let name = if name == "lib" { "" } else { name };
        let used = self.edges.get(name).into_iter().flat_map(BTreeMap::keys);
        used.filter_map(|used| used.split('/').next()).filter(|used| !used.is_empty()).collect()
    }

    /// The children of a module that use one another in a circle, each with all below it: an error for each circle found.
    /// A parent and its children are one thing, and may.
    pub fn circle_below(&self, parent: &str) -> Option<String> {
        let inside = |name: &str| -> Option<String> {
            let below = if parent.is_empty() { name } else { name.strip_prefix(parent)?.strip_prefix('/')? };
            below.split('/').next().filter(|child| !child.is_empty()).map(str::to_owned)
        };
        let mut graph: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (user, all) in &self.edges {
            for (used, path) in all {
                if let (Some(from), Some(to)) = (inside(user), inside(used))
                    && from != to
                {
                    graph.entry(from).or_default().entry(to).or_insert(format!("{user} uses {path}"));
                }
            }
        }
        graph.keys().filter_map(|start| circle(&graph, start)).min_by_key(Vec::len).map(|uses| uses.join(", "))
    }

    /// The names of all modules that have children, and of the root.
    pub fn parents(sources: &[Source]) -> BTreeSet<String> {
        let parents = sources.iter().flat_map(|source| {
            let ends = source.name.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
            ends.into_iter().map(|end| source.name[..end].to_owned())
        });
        parents.collect()
    }
}

/// The shortest way from a module to itself: what each on it says of the next.
fn circle(graph: &BTreeMap<String, BTreeMap<String, String>>, start: &String) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([(start, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((at, way)) = ways.pop_front() {
        for (next, said) in graph.get(at).into_iter().flatten() {
            let way = [way.as_slice(), std::slice::from_ref(said)].concat();
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back((next, way));
            }
        }
    }
    None
}

fn module(source: &Source) -> Path {
    match source.name.as_str() {
        "lib" => Path::new(),
        name => name.split('/').map(str::to_owned).collect(),
    }
}

/// The module in which the item of a path is defined.
fn home(path: &[String], said: &BTreeMap<Path, Said>, passed_on: usize) -> Path {
    let depth = (0..=path.len()).rev().find(|depth| said.contains_key(&path[..*depth])).unwrap_or(0);
    let (module, item) = path.split_at(depth);
    let further = item.first().and_then(|name| said.get(module)?.passed_on.get(name));
    match further {
        // What passes itself on in a circle does not compile.
        Some(further) if passed_on < 10 => home(&[further.as_slice(), &item[1..]].concat(), said, passed_on + 1),
        _ => module.to_vec(),
    }
}

fn read(module: &[String], code: &str, modules: &BTreeSet<Path>) -> Said {
    let (imports, rest) = imports(code);
    let mut said = Said::default();
    let mut known: BTreeMap<String, Path> = BTreeMap::new();
    for (is_public, tree) in imports {
        for (path, name) in expand(&tree) {
            let Some(path) = absolute(module, &path, modules, &BTreeMap::new()) else { continue };
            if is_public {
                said.passed_on.insert(name, path);
            } else if modules.contains(&path) {
                known.insert(name, path);
            } else {
                said.used.push(path);
            }
        }
    }
    said.used.extend(paths(&rest).iter().filter_map(|path| absolute(module, path, modules, &known)));
    said
}

/// The trees of all `use`, each with whether it is public, and the code without them.
fn imports(code: &str) -> (Vec<(bool, String)>, String) {
    let (mut trees, mut left, mut rest) = (Vec::new(), String::new(), code);
    while let Some(at) = rest.match_indices("use ").map(|(at, _)| at).find(|at| !rest[..*at].ends_with(is_of_word)) {
        let before = &rest[..at];
        let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
        let (tree, after) = rest[at + 4..].split_once(';').unwrap_or((&rest[at + 4..], ""));
        trees.push((line.starts_with("pub"), tree.split_whitespace().collect::<Vec<_>>().join(" ")));
        left.push_str(before);
        left.push('\n');
        rest = after;
    }
    (trees, left + rest)
}

/// The paths of a tree, each with the name it is known by afterwards.
fn expand(tree: &str) -> Vec<(Path, String)> {
    let tree = tree.trim();
    let Some((root, group)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut path: Path = path.split("::").map(|part| part.trim().trim_start_matches("r#").to_owned()).collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = alias.map_or_else(|| path.last().cloned().unwrap_or_default(), |alias| alias.trim().to_owned());
        return vec![(path, name)];
    };
    let (mut depth, mut start) = (0, 0);
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let mut branches = Vec::new();
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&group[start..]);
    let branches = branches.into_iter().map(str::trim).filter(|branch| !branch.is_empty());
    branches.flat_map(|branch| expand(&format!("{root}{branch}"))).collect()
}

/// All paths of two parts and more.
fn paths(code: &str) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(is_of_word) {
        rest = &rest[at..];
        let mut path = Path::new();
        loop {
            let end = rest.find(|letter| !is_of_word(letter)).unwrap_or(rest.len());
            path.push(rest[..end].to_owned());
            rest = &rest[end..];
            match rest.strip_prefix("::") {
                Some(after) if after.starts_with(is_of_word) => rest = after,
                _ => break,
            }
        }
        if path.len() > 1 {
            found.push(path);
        }
    }
    found
}

/// A path from the root of the program, if it leads into it. `known` are the modules that were imported.
fn absolute(
    module: &[String],
    path: &[String],
    modules: &BTreeSet<Path>,
    known: &BTreeMap<String, Path>,
) -> Option<Path> {
    let up = path.iter().take_while(|part| *part == "super").count();
    let child = [module, &path[..1]].concat();
    match path[0].as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat()),
        name if known.contains_key(name) => Some([&known[name], &path[1..]].concat()),
        _ => modules.contains(&child).then(|| [module, path].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The graph of files that are made up.
    fn graph(files: &[(&str, &str)]) -> Graph {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::new(std::path::Path::new(path), text)).collect();
        Graph::new(&sources)
    }

    #[test]
    fn uses_are_found_however_they_are_written() {
        let user = "use crate::{a::{self, One}, b};\nfn f() { b::two(); crate::c::three(); super::d::four(); }";
        let empty = ["a.rs", "b.rs", "c.rs", "d.rs", "e.rs"].map(|path| (path, ""));
        let graph = graph(&[empty.as_slice(), &[("user.rs", user), ("lib.rs", "mod a;\npub use e::Five;")]].concat());
        assert_eq!(graph.uses("user").into_iter().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(graph.uses("lib").len(), 0, "what is passed on is not used");
    }

    #[test]
    fn siblings_in_a_circle_are_found_also_through_what_is_passed_on() {
        let rules = ("check/rules.rs", "use crate::check::links::RULES;\npub struct Rule;");
        let links = ("check/links.rs", "use crate::check::Rule;\npub const RULES: [Rule; 0] = [];");
        let facade = ("check/mod.rs", "mod links;\nmod rules;\npub use rules::Rule;");
        let circle = graph(&[rules, links, facade]).circle_below("check").unwrap();
        assert_eq!(circle, "check/links uses check::Rule, check/rules uses check::links::RULES");
        let leaf = ("check/rule.rs", "pub struct Rule;");
        let facade = ("check/mod.rs", "mod links;\nmod rules;\nmod rule;\npub use rule::Rule;");
        let rules = ("check/rules.rs", "use crate::check::links::RULES;");
        assert_eq!(graph(&[rules, links, leaf, facade]).circle_below("check"), None);
    }

    #[test]
    fn a_parent_and_its_children_are_one_thing() {
        let parent = ("feed.rs", "mod rss;\npub struct Feed;\nfn f() { rss::render(); }");
        let child = ("feed/rss.rs", "use super::Feed;\npub fn render() {}");
        let graph = graph(&[parent, child]);
        assert_eq!((graph.circle_below("feed"), graph.circle_below("")), (None, None));
    }
}
