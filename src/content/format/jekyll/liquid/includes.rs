//! `include` with its parameters.
//!
//! Takes the tag; returns what the file in `_includes` makes, in one line. A file that the site does not have, because it is of a
//! theme, leaves the picture or link that its parameters name.

use serde_json::{Map, Value};

use crate::content::format::jekyll::liquid::lexer::{arguments, quoted};
use crate::content::format::jekyll::liquid::syntax::{Markup, parse};
use crate::content::format::jekyll::liquid::{MAX_VARIABLE, Renderer, embeds, in_one_line, one_line};
use crate::content::path::{base_name, joined};

/// How deeply files include files.
const MAX_DEPTH: usize = 6;

impl Renderer<'_> {
    /// What the included file makes.
    pub(super) fn include(&mut self, tag: &Markup<'_>) -> String {
        let (file, parameters) = name_and_parameters(tag.arguments);
        let file = self.filled(file);
        let file = quoted(&file).unwrap_or(&file);
        let includes = self.of.includes;
        let path = joined("_includes", file);
        let found = path.and_then(|path| includes.get(&path)).filter(|_| self.scope.parameters.len() < MAX_DEPTH);
        let Some(text) = found else {
            let given = self.named(parameters);
            return match embeds::embed(base_name(file), &given, &|link| self.rooted(link)) {
                Some(embed) => embed,
                None => {
                    self.lose(tag, format!("the tag `{}`", in_one_line(tag.source)));
                    embeds::by_arguments(&given, &|link| self.rooted(link))
                }
            };
        };
        let Some(room) = self.room.checked_sub(text.len()) else { return String::new() };
        self.room = room;
        let parameters = self.parameters(parameters);
        let is_outermost = self.included_at.is_none();
        if is_outermost {
            self.included_at = Some(tag.at..tag.at + tag.source.len());
        }
        self.scope.parameters.push(parameters);
        let mut out = String::new();
        self.nodes(&parse(text), &mut out);
        self.scope.parameters.pop();
        if is_outermost {
            self.included_at = None;
        }
        one_line::joined(&out, self.is_html)
    }

    fn parameters(&self, written: &str) -> Value {
        let mut parameters = Map::new();
        for (name, value) in arguments(written) {
            let Some(name) = name else { continue };
            let value = match quoted(value) {
                Some(text) => Value::from(text.replace("\\\"", "\"").replace("\\'", "'")),
                None => self.scope.value(value).unwrap_or_default(),
            };
            if value.as_str().is_none_or(|text| text.len() <= MAX_VARIABLE) {
                parameters.insert(name.to_owned(), value);
            }
        }
        Value::Object(parameters)
    }
}

/// The file, which may contain outputs with spaces, and the parameters behind it.
fn name_and_parameters(written: &str) -> (&str, &str) {
    let (mut end, mut depth) = (written.len(), 0usize);
    for (at, c) in written.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if c.is_whitespace() && depth == 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    (&written[..end], written[end..].trim())
}
