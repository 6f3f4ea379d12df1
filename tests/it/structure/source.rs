//! Reads source files: their code without comments, texts and tests, how long it and its functions are, and which words
//! and paths it holds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{files, is_rust, repository};

/// A source file without its tests.
pub struct Source {
    /// Below `src`.
    pub path: PathBuf,
    /// The first part of its module path: `feed` for `src/feed/rss.rs`.
    pub module: String,
    /// Its module path with slashes: `feed/rss`.
    pub name: String,
    /// Its code, as [`code`] and [`without_tests`] leave it.
    pub code: String,
}

impl Source {
    /// The file of that path below `src`.
    pub fn new(path: &Path, text: &str) -> Self {
        let name = path.with_extension("").to_string_lossy().trim_end_matches("/mod").to_owned();
        let module = name.split('/').next().unwrap_or_default().to_owned();
        Self { path: path.to_owned(), module, name, code: without_tests(&code(text)) }
    }
}

/// All files of the program. Tests may use everything, so files that only they have are left out.
pub fn sources() -> Vec<Source> {
    let folder = repository().join("src");
    let paths = files(&folder).into_iter().filter(|path| is_rust(path) && !is_test(path));
    let all: Vec<Source> =
        paths.map(|path| Source::new(&path, &fs::read_to_string(folder.join(&path)).unwrap())).collect();
    let is_declared = |name: &str| match name.rsplit_once('/') {
        _ if ["lib", "main"].contains(&name) => true,
        Some((parent, child)) => all.iter().any(|source| source.name == parent && declares(&source.code, child)),
        None => all.iter().any(|source| source.name == "lib" && declares(&source.code, name)),
    };
    // The parent of a child that only tests have may itself be one that only tests have.
    let is_used = |source: &Source| {
        let ends = source.name.match_indices('/').map(|(at, _)| at).chain([source.name.len()]);
        ends.into_iter().all(|end| is_declared(&source.name[..end]))
    };
    let used: Vec<bool> = all.iter().map(is_used).collect();
    all.into_iter().zip(used).filter_map(|(source, is_used)| is_used.then_some(source)).collect()
}

fn declares(code: &str, child: &str) -> bool {
    code.lines().any(|line| line.trim_end().ends_with(&format!("mod {child};")))
}

/// Whether a file holds nothing but tests, by its name.
pub fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

/// A text with its comments blank and its literals filled with quotes, so that only code is looked at. Lines stay lines.
pub fn code(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut rest = letters.as_slice();
    while !rest.is_empty() {
        let (length, filling) = token(rest);
        let (token, after) = rest.split_at(length.min(rest.len()));
        code.extend(token.iter().map(|letter| match filling {
            Some(filling) if !letter.is_whitespace() => filling,
            _ => *letter,
        }));
        rest = after;
    }
    code
}

/// The length of what begins here, and what it is filled with, if it is no code.
fn token(rest: &[char]) -> (usize, Option<char>) {
    let begins = |text: &str| rest.len() >= text.len() && text.chars().zip(rest).all(|(one, other)| one == *other);
    let word = rest.iter().take_while(|letter| is_of_word(**letter)).count();
    let quoted = |from: usize| from + text_length(&rest[from..]);
    match rest[0] {
        _ if begins("//") => (rest.iter().take_while(|letter| **letter != '\n').count(), Some(' ')),
        _ if begins("/*") => (comment_length(rest), Some(' ')),
        '"' => (quoted(0), Some('"')),
        '\'' if rest.get(1) == Some(&'\\') => {
            (rest.iter().skip(3).position(|letter| *letter == '\'').map_or(1, |at| at + 4), Some('"'))
        }
        '\'' if rest.get(2) == Some(&'\'') => (3, Some('"')),
        'r' | 'b' | 'c' if is_raw(&rest[..word]) => {
            let hashes = rest[word..].iter().take_while(|letter| **letter == '#').count();
            match rest.get(word + hashes) {
                Some('"') => (word + raw_length(&rest[word..], hashes), Some('"')),
                _ => (word, None),
            }
        }
        _ => (word.max(1), None),
    }
}

fn is_raw(word: &[char]) -> bool {
    [&['r'][..], &['b', 'r'], &['c', 'r']].contains(&word)
}

/// From quote to quote.
fn text_length(text: &[char]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// From the first of this many hashes to the last.
fn raw_length(text: &[char], hashes: usize) -> usize {
    let mut end = vec!['"'];
    end.extend(vec!['#'; hashes]);
    let inner = text[hashes + 1..].windows(end.len()).position(|window| window == end);
    inner.map_or(text.len(), |inner| hashes + 1 + inner + end.len())
}

/// Comments stand in comments.
fn comment_length(text: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text.get(at..at + 2) {
            Some(['/', '*']) => (depth, at) = (depth + 1, at + 2),
            Some(['*', '/']) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

pub fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Code without the items that only tests have: `mod x;`, `mod tests { … }`, a function, an import, a field.
pub fn without_tests(code: &str) -> String {
    let mut left = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|attribute| rest.find(attribute)).min() {
        left.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[item_length(rest)..];
    }
    left + rest
}

/// The length of the item that begins with attributes.
fn item_length(code: &str) -> usize {
    let mut at = 0;
    while code[at..].trim_start().starts_with("#[") {
        at += code[at..].find('[').unwrap();
        at += bracket_length(&code[at..]);
    }
    const ITEMS: [&str; 12] =
        ["pub", "fn", "mod", "use", "struct", "enum", "impl", "const", "static", "type", "trait", "async"];
    let word: String = code[at..].trim_start().chars().take_while(|letter| is_of_word(*letter)).collect();
    let is_item = ITEMS.contains(&word.as_str());
    while let Some(letter) = code[at..].chars().next() {
        match letter {
            ';' => return at + 1,
            ',' if !is_item => return at + 1,
            '{' => return at + bracket_length(&code[at..]),
            '(' | '[' => at += bracket_length(&code[at..]),
            _ => at += letter.len_utf8(),
        }
    }
    at
}

/// From the bracket at the beginning to the one that closes it.
fn bracket_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// How many lines hold code.
pub fn lines(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The functions in code, those within others too, and how many lines of code each has.
pub fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_of_word)) {
        let name: String = code[at + 3..].chars().take_while(|letter| is_of_word(*letter)).collect();
        let length = item_length(&code[at..]);
        if !name.is_empty() && code[at..at + length].ends_with('}') {
            found.push((name, lines(&code[at..at + length])));
        }
    }
    found
}

/// Whether code holds a word or path as such, not as a part of a longer word. `use std::{fs, io}` is a mention of
/// `std::fs` too.
pub fn mentions(code: &str, what: &str) -> bool {
    let direct = code.match_indices(what).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + what.len()..]);
        !before.ends_with(is_of_word) && (what.ends_with('!') || !after.starts_with(is_of_word))
    });
    let in_group = what.split_once("::").is_some_and(|(root, name)| {
        code.split(&format!("{root}::{{")).skip(1).flat_map(first_parts).any(|part| part == name)
    });
    direct || in_group
}

/// The first part of every path in a group, up to the brace that closes it.
fn first_parts(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut parts = vec![word_at(group)];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(word_at(&group[at + 1..])),
            _ => {}
        }
    }
    parts
}

fn word_at(text: &str) -> String {
    text.trim_start().chars().take_while(|letter| is_of_word(*letter)).collect()
}

/// The rules are worth nothing if the reading of the sources is wrong.
#[test]
fn code_is_told_from_comments_texts_and_tests() {
    let text = "a /* b /* c */ d */ \"e // \\\" f\" g // h\nr#\"i \" j\"# 'k' '\\'' <'l> br\"m\" r#type";
    let kept: String = code(text).chars().filter(|letter| *letter != '"' && !letter.is_whitespace()).collect();
    assert_eq!(kept, "ag<'l>r#type");
    let tested = "one();\n#[cfg(test)]\nmod x;\ntwo();\n#[cfg(test)]\n#[path = \"y.rs\"]\npub(crate) mod y;\nthree();\n\
                  #[cfg(test)]\nmod tests {\n    fn a() {}\n}\nfour();\n#[cfg(test)]\nfn b<C, D>(c: C) -> D { c }\n\
                  struct E {\n    #[cfg(test)]\n    f: u8,\n    g: u8,\n}\n";
    let kept: String = without_tests(&code(tested)).split_whitespace().collect();
    assert_eq!(kept, "one();two();three();four();structE{g:u8,}");
}

#[test]
fn lines_and_functions_are_counted_without_comments() {
    let code = code(
        "/// Says.\nfn one(a: [u8; 2]) -> u8 {\n\n    // Why.\n    fn two() {}\n    1\n}\ntrait T { fn three(); }",
    );
    assert_eq!(lines(&code), 5);
    assert_eq!(functions(&code), [("one".to_owned(), 4), ("two".to_owned(), 1)]);
}

#[test]
fn words_and_paths_are_found_whole() {
    assert!(mentions("use std::{fs, io};", "std::fs") && mentions("std::fs::read()", "std::fs"));
    assert!(!mentions("use std::{io, fmt};", "std::fs") && !mentions("std::fsync()", "std::fs"));
    assert!(mentions("println!()", "println!") && mentions("eprintln!()", "eprintln!"));
    assert!(!mentions("eprintln!()", "println!") && !mentions("println!()", "print!"));
}
