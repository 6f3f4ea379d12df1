//! Reads the statements of style sheets, without judging them.

use cssparser::{Parser, Token};

/// A statement of a style sheet: a rule or an at-rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'c> {
    /// The selectors, or the name and the condition of an at-rule.
    pub prelude: &'c str,
    /// What is between the braces; `None` if the statement ends in a semicolon.
    pub block: Option<&'c str>,
}

impl<'c> Statement<'c> {
    /// Whether it is an at-rule, such as `@media`.
    pub fn is_at_rule(&self) -> bool {
        self.prelude.starts_with('@')
    }

    /// The selectors of a rule. A list inside `:is()` is not divided.
    pub fn selectors(&self) -> Vec<&'c str> {
        let mut depth = 0_usize;
        let ends = |c: char| {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        };
        self.prelude.split(ends).map(str::trim).collect()
    }

    /// The declarations of a rule: property and value.
    pub fn declarations(&self) -> impl Iterator<Item = (&'c str, &'c str)> {
        declarations(self.block.unwrap_or_default())
    }
}

/// The declarations in a block or in the attribute `style`: property and value.
pub fn declarations(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').filter_map(|one| one.split_once(':')).map(|(name, value)| (name.trim(), value.trim()))
}

/// The statements of a style sheet, in order, without the comments between them.
pub fn statements(css: &str) -> Vec<Statement<'_>> {
    let mut parser = Parser::new(css);
    let (mut statements, mut start) = (Vec::new(), None);
    loop {
        parser.skip_whitespace();
        let before = parser.position();
        let block = match parser.next() {
            Ok(Token::CurlyBracketBlock) => Some(true),
            Ok(Token::Semicolon) => Some(false),
            Ok(_) => None,
            Err(_) => return statements,
        };
        let start_here = *start.get_or_insert(before);
        let Some(has_block) = block else { continue };
        let prelude = parser.slice(start_here..before).trim();
        let block = has_block.then(|| {
            let inside = parser.position();
            let consumed = parser.parse_nested_block(|block| {
                while block.next().is_ok() {}
                Ok::<_, cssparser::ParseError<()>>(block.slice_from(inside))
            });
            consumed.unwrap_or_default()
        });
        statements.push(Statement { prelude, block });
        start = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_where_css_says() {
        let css = "/* a { } */ p, b > a { color: \"x}y\"; }\n@import url(\"a;b.css\");\n@media (x) { p { a: b } i { c: d } }\
                   .a:is(b, c) { d: e } .open { f: g";
        let found = statements(css);
        let short: Vec<_> = found.iter().map(|one| (one.prelude, one.block.map(str::trim))).collect();
        assert_eq!(
            short,
            [
                ("p, b > a", Some("color: \"x}y\";")),
                ("@import url(\"a;b.css\")", None),
                ("@media (x)", Some("p { a: b } i { c: d }")),
                (".a:is(b, c)", Some("d: e")),
                (".open", Some("f: g")),
            ]
        );
        assert_eq!(found[0].selectors(), ["p", "b > a"]);
        assert_eq!(
            statements("i, .a:is(b, c), [d=\"e,f\"] { g: h }")[0].selectors(),
            ["i", ".a:is(b, c)", "[d=\"e,f\"]"]
        );
        assert_eq!(found[4].declarations().collect::<Vec<_>>(), [("f", "g")]);
    }
}
