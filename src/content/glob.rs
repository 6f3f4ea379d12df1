//! Globs as Hugo matches them with paths: `*` and `?` stay in a segment, `**` does not, `{a,b}` is either, `[a-z]` a
//! character; letters match whatever their case.

use std::fmt;

/// A parsed glob, such as `/posts/**`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    written: String,
    /// The alternatives without braces.
    alternatives: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Segment,
    /// `**`
    Path,
    /// `[…]` or `[!…]`: whether the ranges are excluded, and the ranges.
    Class(bool, Vec<(char, char)>),
}

impl Glob {
    /// Parses a glob. Any text is one: a bracket or brace without its partner stands for itself.
    pub fn new(written: &str) -> Self {
        let lower: Vec<char> = written.trim().to_lowercase().chars().collect();
        let alternatives = expanded(&lower).iter().map(|text| pieces(text)).collect();
        Self { written: written.trim().to_owned(), alternatives }
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.to_lowercase().chars().collect();
        self.alternatives.iter().any(|pieces| matches(pieces, &text))
    }

    /// Whether it matches the path or a folder above it.
    pub fn matches_path_or_folder(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        self.matches(path) || folders.into_iter().any(|folder| self.matches(folder))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// The glob for each choice of its braces. More than `MAX_ALTERNATIVES` match nothing, so that no glob takes all memory.
fn expanded(glob: &[char]) -> Vec<Vec<char>> {
    const MAX_ALTERNATIVES: usize = 1000;
    let Some((open, close, commas)) = first_braces(glob) else { return vec![glob.to_vec()] };
    let ends = commas.iter().copied().chain([close]);
    let starts = [open].into_iter().chain(commas.iter().copied());
    let mut all = Vec::new();
    for (start, end) in starts.zip(ends) {
        let one = [&glob[..open], &glob[start + 1..end], &glob[close + 1..]].concat();
        all.extend(expanded(&one));
        if all.len() > MAX_ALTERNATIVES {
            return Vec::new();
        }
    }
    all
}

/// The first pair of braces, and the commas directly inside it.
fn first_braces(glob: &[char]) -> Option<(usize, usize, Vec<usize>)> {
    let (mut open, mut depth, mut commas) = (None, 0, Vec::new());
    for (at, c) in glob.iter().enumerate() {
        match c {
            _ if at > 0 && glob[at - 1] == '\\' => {}
            '{' => {
                depth += 1;
                open = open.or(Some(at));
            }
            '}' if depth == 1 => return Some((open?, at, commas)),
            '}' if depth > 1 => depth -= 1,
            ',' if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    None
}

fn pieces(glob: &[char]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = glob.get(at) {
        at += 1;
        pieces.push(match c {
            '\\' if at < glob.len() => {
                at += 1;
                Piece::Char(glob[at - 1])
            }
            '*' if glob.get(at) == Some(&'*') => {
                while glob.get(at) == Some(&'*') {
                    at += 1;
                }
                Piece::Path
            }
            '*' => Piece::Segment,
            '?' => Piece::Any,
            '[' => match glob[at..].iter().position(|c| *c == ']').filter(|length| *length > 0) {
                Some(length) => {
                    at += length + 1;
                    class(&glob[at - length - 1..at - 1])
                }
                None => Piece::Char('['),
            },
            c => Piece::Char(*c),
        });
    }
    pieces
}

fn class(written: &[char]) -> Piece {
    let (excluded, mut rest) = match written {
        ['!' | '^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    while let [first, others @ ..] = rest {
        (ranges, rest) = match others {
            ['-', last, others @ ..] => ([ranges, vec![(*first, *last)]].concat(), others),
            _ => ([ranges, vec![(*first, *first)]].concat(), others),
        };
    }
    Piece::Class(excluded, ranges)
}

/// Tries the pieces from left to right; after a mismatch, the last star of each kind takes one character more.
fn matches(pieces: &[Piece], text: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    // The last star of each kind, and where what it takes ends.
    let mut segment: Option<(usize, usize)> = None;
    let mut path: Option<(usize, usize)> = None;
    loop {
        match pieces.get(piece) {
            Some(Piece::Segment) => {
                segment = Some((piece, at));
                piece += 1;
                continue;
            }
            Some(Piece::Path) => {
                (segment, path) = (None, Some((piece, at)));
                piece += 1;
                continue;
            }
            Some(other) if text.get(at).is_some_and(|c| other.is(*c)) => {
                (piece, at) = (piece + 1, at + 1);
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match (segment, path) {
            (Some((star, from)), _) if text.get(from).is_some_and(|c| *c != '/') => {
                segment = Some((star, from + 1));
                (piece, at) = (star + 1, from + 1);
            }
            (_, Some((star, from))) if from < text.len() => {
                (segment, path) = (None, Some((star, from + 1)));
                (piece, at) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

impl Piece {
    fn is(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::Any => c != '/',
            Self::Class(excluded, ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *excluded,
            Self::Segment | Self::Path => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs_match_as_in_hugo() {
        for (glob, text, expected) in [
            ("/posts/*", "/posts/a", true),
            ("/posts/*", "/posts/a/b", false),
            ("/posts/**", "/posts/a/b", true),
            ("/posts/**", "/posts", false),
            ("/{posts,posts/**}", "/posts", true),
            ("/{posts,notes}/x*", "/Notes/X1", true),
            ("{,/**}/_includes{,/**}", "/docs/_includes/a", true),
            ("{,/**}/_includes{,/**}", "/docs/includes/a", false),
            ("**/draft-*.md", "a/b/draft-1.md", true),
            ("*.md", "a/b.md", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x[!0-9]", "bxy", true),
            ("[a-c]x[!0-9]", "bx1", false),
            ("a[b", "a[b", true),
            ("a{b", "a{b", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("*a*b", "xaxab", true),
            ("", "", true),
        ] {
            assert_eq!(Glob::new(glob).matches(text), expected, "{glob} {text}");
        }
        assert!(Glob::new("docs").matches_path_or_folder("docs/a/b.md"));
        assert!(!Glob::new("docs").matches_path_or_folder("docs.md"));
    }

    proptest! {
        #[test]
        fn any_glob_matches_or_not(glob in "[a*?{},/\\[\\]!\\\\-]{0,24}", text in "[a/]{0,24}") {
            let _ = Glob::new(&glob).matches(&text);
        }

        #[test]
        fn text_matches_itself(text in "[a-z/.-]{0,24}") {
            prop_assert!(Glob::new(&text).matches(&text));
        }
    }
}
