//! Liquid in bodies, as far as it needs no build of the site: outputs, filters, conditions, includes, code.
//!
//! Takes a body and what it may refer to; returns it line for line without Liquid, and what of it is not rendered. A condition that
//! depends on what is unknown counts as true, so that no words are lost; a loop over what is unknown has no words.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Value, json};

use crate::content::format::jekyll::Jekyll;
use crate::content::format::jekyll::liquid::filters::{Site, text};
use crate::content::format::jekyll::liquid::lexer::{arguments, quoted, split};
use crate::content::format::jekyll::liquid::scope::Scope;
use crate::content::format::jekyll::liquid::syntax::{Block, Branch, Markup, Node, parse};
use crate::content::format::{Body, Lost, Translated};

mod code;
mod conditions;
mod embeds;
mod filters;
mod includes;
mod lexer;
mod one_line;
mod scope;
mod syntax;
#[cfg(test)]
mod tests;
mod urls;

/// The bytes that outputs, includes and loops of a body may add.
const MAX_ADDED: usize = 4 << 20;

/// The bytes of a variable.
const MAX_VARIABLE: usize = 64 << 10;

/// The body without Liquid.
pub fn render<'m>(body: &'m str, jekyll: &Jekyll, of: &Body<'_>, is_html: bool) -> Translated<'m> {
    let own = of.issue.params.as_ref().and_then(|params| params.get("render_with_liquid"));
    if own == Some(&Value::Bool(false)) || !(body.contains("{{") || body.contains("{%")) {
        return Translated::unchanged(body);
    }
    let scope = Scope::new(jekyll, of);
    let mut renderer = Renderer { jekyll, of, scope, is_html, included_at: None, room: MAX_ADDED, lost: Vec::new() };
    let mut markdown = String::with_capacity(body.len());
    renderer.nodes(&parse(body), &mut markdown);
    Translated { markdown: Cow::Owned(markdown), lost: renderer.lost }
}

struct Renderer<'r> {
    jekyll: &'r Jekyll,
    of: &'r Body<'r>,
    scope: Scope<'r>,
    is_html: bool,
    /// The tag of the body whose file is rendered.
    included_at: Option<Range<usize>>,
    /// How many bytes may still be added.
    room: usize,
    lost: Vec<Lost>,
}

/// The result of an expression.
struct Evaluated {
    /// `None` if it is unknown.
    value: Option<Value>,
    /// A filter that is unknown.
    unknown_filter: Option<String>,
}

impl Renderer<'_> {
    fn nodes(&mut self, nodes: &[Node<'_>], out: &mut String) {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Nothing(source) => push_newlines(source, out),
                Node::Output(markup) => {
                    let shown = self.output(markup);
                    self.add(&shown, out);
                    push_newlines(markup.source, out);
                }
                Node::Tag(markup) => {
                    let shown = self.tag(markup);
                    self.add(&shown, out);
                    push_newlines(markup.source, out);
                }
                Node::Block(block) => self.block(block, out),
            }
        }
    }

    /// Adds text in one line, while there is room.
    fn add(&mut self, shown: &str, out: &mut String) {
        if let Some(room) = self.room.checked_sub(shown.len()) {
            self.room = room;
            out.push_str(&one_line::joined(shown, self.is_html));
        }
    }

    fn lose(&mut self, markup: &Markup<'_>, what: String) {
        let range = self.included_at.clone().unwrap_or(markup.at..markup.at + markup.source.len());
        if self.lost.last().is_none_or(|last| last.range != range || last.what != what) {
            self.lost.push(Lost { range, what });
        }
    }

    fn output(&mut self, markup: &Markup<'_>) -> String {
        let Evaluated { value, unknown_filter } = self.evaluate(markup.arguments);
        if let Some(filter) = unknown_filter {
            self.lose(markup, format!("the filter `{filter}`"));
        }
        let is_undefined = value.as_ref().is_some_and(Value::is_null) && !self.is_of_object(markup.arguments);
        if (value.is_none() || is_undefined) && !markup.arguments.is_empty() {
            self.lose(markup, format!("`{}`", in_one_line(markup.source)));
        }
        value.as_ref().map(text).unwrap_or_default()
    }

    /// Whether an expression begins with a property of an object, which may be absent.
    fn is_of_object(&self, expression: &str) -> bool {
        let name = expression.split(['.', '[', ' ', '|']).next().unwrap_or_default();
        ["site", "page", "include", "jekyll", "forloop", "nil"].contains(&name)
            || self.scope.variables.contains_key(name)
    }

    /// The value of `operand | filter: argument, … | …`. An unknown filter leaves its input alone.
    fn evaluate(&self, expression: &str) -> Evaluated {
        let (origin, base) = self.scope.addresses();
        let site = Site { origin, base, zone: self.jekyll.zone };
        let parts = split(expression, '|');
        let mut value = self.scope.value(parts.first().copied().unwrap_or_default());
        let mut unknown_filter = None;
        for filter in &parts[1..] {
            let (name, rest) = filter.split_once(':').unwrap_or((filter, ""));
            let given: Option<Vec<Value>> = match rest.trim() {
                "" => Some(Vec::new()),
                rest => split(rest, ',').into_iter().map(|argument| self.scope.value(argument)).collect(),
            };
            // What is missing has a default even if it is unknown.
            if value.is_none() && name.trim() == "default" {
                value = given.and_then(|given| given.into_iter().next());
                continue;
            }
            let (Some(input), Some(given)) = (&value, given) else { return Evaluated { value: None, unknown_filter } };
            match site.filter(name.trim(), input, &given) {
                Some(filtered) => value = Some(filtered),
                None => unknown_filter = Some(name.trim().to_owned()),
            }
        }
        Evaluated { value, unknown_filter }
    }

    fn tag(&mut self, tag: &Markup<'_>) -> String {
        match tag.name {
            "assign" => {
                self.assign(tag);
                String::new()
            }
            "include" | "include_cached" => self.include(tag),
            "link" | "post_url" => self.url(tag),
            // What closes or divides a block that was never opened, and what only web pages need.
            "else" | "elsif" | "when" | "break" | "continue" | "seo" | "feed_meta" | "toc" => String::new(),
            name if name.starts_with("end") => String::new(),
            name => match embeds::embed(name, &self.named(tag.arguments), &|link| self.rooted(link)) {
                Some(embed) => embed,
                None => {
                    self.lose(tag, format!("the tag `{}`", in_one_line(tag.source)));
                    embeds::by_arguments(&self.named(tag.arguments), &|link| self.rooted(link))
                }
            },
        }
    }

    /// Arguments with their values: variables that have one, and other words as they are.
    fn named(&self, written: &str) -> Vec<(Option<String>, String)> {
        let value = |word: &str| match quoted(word) {
            Some(text) => text.replace("\\\"", "\"").replace("\\'", "'"),
            None => match self.scope.value(word) {
                Some(value) if !value.is_null() => text(&value),
                _ => word.to_owned(),
            },
        };
        arguments(written).into_iter().map(|(name, word)| (name.map(str::to_owned), value(word))).collect()
    }

    fn assign(&mut self, tag: &Markup<'_>) {
        let Some((name, expression)) = tag.arguments.split_once('=') else { return };
        let value = self.evaluate(expression.trim()).value.unwrap_or_default();
        let is_short = value.as_str().is_none_or(|text| text.len() <= MAX_VARIABLE);
        self.scope.variables.insert(name.trim().to_owned(), if is_short { value } else { Value::Null });
    }

    fn block(&mut self, block: &Block<'_>, out: &mut String) {
        let Some(first) = block.branches.first() else { return };
        match first.tag.name {
            "if" | "unless" | "case" => {
                let chosen = self.chosen(block);
                for (at, branch) in block.branches.iter().enumerate() {
                    push_newlines(branch.tag.source, out);
                    match chosen == Some(at) {
                        true => self.nodes(&branch.nodes, out),
                        false => push_newlines(branch.inside, out),
                    }
                }
                push_newlines(block.end, out);
            }
            "capture" => {
                let mut captured = String::new();
                self.nodes(&first.nodes, &mut captured);
                captured.truncate(if captured.len() > MAX_VARIABLE { 0 } else { captured.len() });
                let name = quoted(first.tag.arguments).unwrap_or(first.tag.arguments);
                self.scope.variables.insert(name.to_owned(), Value::from(captured));
                push_newlines(block.source, out);
            }
            "highlight" | "codeblock" => {
                let mut inside = String::new();
                self.nodes(&first.nodes, &mut inside);
                code::push(&first.tag, &inside, self.is_html, out);
                push_newlines(block.end, out);
            }
            _ => {
                let shown = self.looped(first);
                self.add(&shown, out);
                push_newlines(block.source, out);
            }
        }
    }

    /// The branch that readers see: the first whose condition holds, or is unknown.
    fn chosen(&mut self, block: &Block<'_>) -> Option<usize> {
        let subject = block.branches.first().map_or("", |first| first.tag.arguments);
        for (at, branch) in block.branches.iter().enumerate() {
            let value = |word: &str| self.scope.value(word);
            let holds = match branch.tag.name {
                "case" => continue,
                "else" => Some(true),
                "when" => {
                    let given = branch.tag.arguments.replace(" or ", ",");
                    let equals = |word: &str| conditions::holds(&format!("{subject} == {word}"), &value);
                    split(&given, ',').into_iter().map(equals).find(|it| *it != Some(false)).unwrap_or(Some(false))
                }
                "unless" => conditions::holds(branch.tag.arguments, &value).map(|holds| !holds),
                _ => conditions::holds(branch.tag.arguments, &value),
            };
            match holds {
                Some(true) => return Some(at),
                Some(false) => {}
                None => {
                    self.lose(&branch.tag, format!("the condition `{}`", in_one_line(branch.tag.source)));
                    return Some(at);
                }
            }
        }
        None
    }

    /// What a loop over a known list makes.
    fn looped(&mut self, branch: &Branch<'_>) -> String {
        let words = lexer::words(branch.tag.arguments);
        let [name, "in", list, options @ ..] = words.as_slice() else { return String::new() };
        let items = match self.scope.value(list) {
            Some(Value::Array(items)) if branch.tag.name == "for" => items,
            Some(Value::Null) if branch.tag.name == "for" && self.is_of_object(list) => Vec::new(),
            _ => {
                self.lose(&branch.tag, format!("the loop `{}`", in_one_line(branch.tag.source)));
                return String::new();
            }
        };
        let option = |name: &str| options.iter().find_map(|word| word.strip_prefix(name)?.trim().parse::<usize>().ok());
        let mut items: Vec<Value> = items.into_iter().skip(option("offset:").unwrap_or(0)).collect();
        items.truncate(option("limit:").unwrap_or(usize::MAX));
        if options.contains(&"reversed") {
            items.reverse();
        }
        let (mut shown, length) = (String::new(), items.len());
        for (at, item) in items.into_iter().enumerate() {
            self.scope.variables.insert((*name).to_owned(), item);
            let state =
                json!({"index": at + 1, "index0": at, "first": at == 0, "last": at + 1 == length, "length": length});
            self.scope.variables.insert("forloop".to_owned(), state);
            let Some(room) = self.room.checked_sub(branch.inside.len()) else { break };
            self.room = room;
            self.nodes(&branch.nodes, &mut shown);
        }
        self.scope.variables.remove(*name);
        self.scope.variables.remove("forloop");
        shown
    }

    /// An address below the site as a URL that leads there from everywhere.
    fn rooted(&self, link: &str) -> String {
        match link.strip_prefix('/').filter(|rest| !rest.starts_with('/')) {
            Some(path) => {
                let (origin, base) = self.scope.addresses();
                let below = link.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
                format!("{origin}{base}/{below}")
            }
            None => link.to_owned(),
        }
    }
}

fn push_newlines(source: &str, out: &mut String) {
    out.extend(source.bytes().filter(|byte| *byte == b'\n').map(char::from));
}

fn in_one_line(source: &str) -> String {
    source.split_whitespace().collect::<Vec<_>>().join(" ")
}
