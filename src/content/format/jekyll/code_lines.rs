//! Which lines of Markdown are code, so that what looks like markup in it stays.
//!
//! Takes lines in order; returns whether each is in a fenced or indented block.

/// The state between lines.
#[derive(Debug, Default)]
pub struct CodeLines {
    /// The character and length of the fence that is open.
    fence: Option<(char, usize)>,
    /// Whether the line before is blank, or indented code.
    may_indent: bool,
}

impl CodeLines {
    /// At the beginning of a text.
    pub fn new() -> Self {
        Self { fence: None, may_indent: true }
    }

    /// Whether the next line is code, or a fence around it.
    pub fn is_code(&mut self, line: &str) -> bool {
        let is_code = self.is_fenced(line) || self.may_indent && is_indented(line);
        self.may_indent = line.trim().is_empty() || is_code && self.fence.is_none() && is_indented(line);
        is_code
    }

    fn is_fenced(&mut self, line: &str) -> bool {
        let text = line.trim_start_matches([' ', '\t', '>', '-', '*']);
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = mark.map_or(0, |mark| text.chars().take_while(|c| *c == mark).count());
        match self.fence {
            Some((open, opening)) => {
                let is_end = mark == Some(open) && length >= opening && text[length..].trim().is_empty();
                self.fence = Some((open, opening)).filter(|_| !is_end);
                true
            }
            None => {
                let is_fence = length >= 3 && !(mark == Some('`') && text[length..].contains('`'));
                self.fence = mark.filter(|_| is_fence).map(|mark| (mark, length));
                is_fence
            }
        }
    }
}

fn is_indented(line: &str) -> bool {
    line.starts_with("    ") || line.starts_with('\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenced_and_indented_lines_are_code() {
        for (text, expected) in [
            ("a\n```\nb\n````\nc", "-+++-"),
            ("~~~ c\n```\n~~~\na", "+++-"),
            ("    a\n\n    b\nc\n    d", "+-+--"),
            ("- ```\n  a\n  ```\n``a``\n```a```", "+++--"),
        ] {
            let mut code = CodeLines::new();
            let found: String = text.split('\n').map(|line| if code.is_code(line) { '+' } else { '-' }).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
