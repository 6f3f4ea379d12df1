//! Syntax highlighting: tokens in `<span>`s whose classes the style sheet of the edition defines.
//!
//! Takes code and the language of its fence; returns HTML, or `None` for an unknown language. The syntax tables take a
//! millisecond to load, so they are loaded at the first fenced block with a language. Feeds are not highlighted, because feed
//! readers drop styles and classes.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Longer code stays plain: colours would push the edition over the size at which Gmail clips it.
const MAX_CODE_BYTES: usize = 16 * 1024;

/// Names used in fences for languages that the tables know by another name.
const ALIASES: [(&str, &str); 6] =
    [("golang", "go"), ("jsonc", "json"), ("shell", "sh"), ("ts", "js"), ("typescript", "js"), ("vue", "html")];

/// The class of a token by the prefix of its scope. The first match counts; `None` means no colour.
const CLASSES: [(&str, Option<&str>); 16] = [
    ("comment", Some("hl-c")),
    ("meta.interpolation", None),
    ("constant.character.escape", Some("hl-n")),
    ("constant.other.placeholder", Some("hl-n")),
    ("constant.numeric", Some("hl-n")),
    ("constant.language", Some("hl-n")),
    ("string", Some("hl-s")),
    ("keyword.operator", None),
    ("keyword", Some("hl-k")),
    ("storage", Some("hl-k")),
    ("entity.name.function", Some("hl-f")),
    ("support.function", Some("hl-f")),
    ("variable.function", Some("hl-f")),
    ("variable.annotation", Some("hl-f")),
    ("punctuation.definition.annotation", Some("hl-f")),
    ("entity.name.tag", Some("hl-k")),
];

/// The built-in tables.
static SYNTAXES: LazyLock<Syntaxes> = LazyLock::new(|| Syntaxes {
    set: SyntaxSet::load_defaults_newlines(),
    classes: CLASSES.iter().filter_map(|(name, class)| Some((Scope::new(name).ok()?, *class))).collect(),
});

struct Syntaxes {
    set: SyntaxSet,
    classes: Vec<(Scope, Option<&'static str>)>,
}

/// The code as HTML with highlighted tokens; `None` if the language is unknown or the code too long.
pub fn highlighted(code: &str, language: &str) -> Option<String> {
    if code.len() > MAX_CODE_BYTES {
        return None;
    }
    let language = language.to_ascii_lowercase();
    let alias = ALIASES.iter().find(|(name, _)| *name == language);
    let syntax = SYNTAXES.set.find_syntax_by_token(alias.map_or(language.as_str(), |(_, token)| token))?;
    SYNTAXES.html(code, syntax)
}

impl Syntaxes {
    fn html(&self, code: &str, syntax: &SyntaxReference) -> Option<String> {
        let (mut state, mut scopes) = (ParseState::new(syntax), ScopeStack::new());
        let mut html = HtmlWriter::default();
        for line in code.split_inclusive('\n') {
            let mut from = 0;
            for (at, change) in state.parse_line(line, &self.set).ok()? {
                html.push(line.get(from..at)?, self.class(&scopes));
                scopes.apply(&change).ok()?;
                from = at;
            }
            html.push(line.get(from..)?, self.class(&scopes));
        }
        Some(html.into_text())
    }

    /// The class of the innermost scope that is listed in `CLASSES`.
    fn class(&self, scopes: &ScopeStack) -> Option<&'static str> {
        let known = |scope: &Scope| self.classes.iter().find(|(name, _)| name.is_prefix_of(*scope));
        scopes.as_slice().iter().rev().find_map(known).and_then(|(_, class)| *class)
    }
}

/// HTML while it is written.
#[derive(Default)]
struct HtmlWriter {
    html: String,
    open: Option<&'static str>,
}

impl HtmlWriter {
    fn push(&mut self, text: &str, class: Option<&'static str>) {
        if text.is_empty() {
            return;
        }
        // Spaces have no colour, so they need not end a span.
        if class != self.open && !text.trim().is_empty() {
            self.close();
            if let Some(class) = class {
                self.html.push_str(&format!("<span class=\"{class}\">"));
            }
            self.open = class;
        }
        self.html.push_str(&html_escape::encode_text(text));
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            // Spaces at the end of a token are moved out of it.
            let end = self.html.trim_end().len();
            self.html.insert_str(end, "</span>");
        }
    }

    fn into_text(mut self) -> String {
        self.close();
        self.html
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_have_classes() {
        assert_eq!(
            highlighted("let a = \"<b>\"; // 1 < 2\n", "Rust").unwrap(),
            "<span class=\"hl-k\">let</span> a = <span class=\"hl-s\">\"&lt;b&gt;\"</span>; \
             <span class=\"hl-c\">// 1 &lt; 2</span>\n"
        );
        assert_eq!(
            highlighted("# 港\nharbour: 12\n", "yaml").unwrap(),
            "<span class=\"hl-c\"># 港</span>\n<span class=\"hl-k\">harbour</span>: <span class=\"hl-n\">12</span>\n"
        );
        assert_eq!(highlighted("@Override\n", "java").unwrap(), "<span class=\"hl-f\">@Override</span>\n");
        assert!(highlighted("func main() {}", "golang").unwrap().contains("hl-k"));
        assert_eq!(highlighted("a", "no-such-language"), None);
        assert_eq!(highlighted(&"x ".repeat(MAX_CODE_BYTES), "rust"), None);
    }

    #[test]
    fn every_scope_and_alias_exists() {
        assert_eq!(SYNTAXES.classes.len(), CLASSES.len());
        let known = |token: &str| SYNTAXES.set.find_syntax_by_token(token).is_some();
        assert!(ALIASES.iter().all(|(name, token)| known(token) && !known(name)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_code_is_unchanged(
            code in "(\\PC|[\n\t <>&\"'/*#{}();=-]|let |func |class ){0,60}", language in "rust|java|go|yaml|html|sh|sql",
        ) {
            let Some(html) = highlighted(&code, &language) else { return Ok(()) };
            let mut text = html.replace("</span>", "");
            for class in ["c", "n", "s", "k", "f"] {
                text = text.replace(&format!("<span class=\"hl-{class}\">"), "");
            }
            prop_assert_eq!(text, html_escape::encode_text(&code));
        }
    }
}
