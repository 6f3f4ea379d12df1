//! The syntax of Liquid: texts, outputs (`{{ … }}`), tags (`{% … %}`) and blocks of tags.
//!
//! Takes a template; returns its nodes. Whatever is not closed is text, or a tag by itself; blocks nest to a bounded depth.

/// How deeply blocks nest; a tag further inside stands by itself.
const MAX_DEPTH: usize = 16;

/// Tags that have an end.
const BLOCKS: [&str; 8] = ["if", "unless", "case", "for", "tablerow", "capture", "highlight", "codeblock"];

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<'t> {
    /// Text as it is.
    Text(&'t str),
    /// What is left out, such as a comment.
    Nothing(&'t str),
    /// `{{ markup }}`
    Output(Markup<'t>),
    /// `{% name arguments %}`
    Tag(Markup<'t>),
    /// A tag, its end, and what is between them.
    Block(Block<'t>),
}

/// The inside of an output or tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Markup<'t> {
    /// With its brackets.
    pub source: &'t str,
    /// Its offset in the template.
    pub at: usize,
    /// The name of a tag; empty for an output.
    pub name: &'t str,
    /// The rest.
    pub arguments: &'t str,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<'t> {
    /// All of it.
    pub source: &'t str,
    /// At least one.
    pub branches: Vec<Branch<'t>>,
    /// The tag at its end.
    pub end: &'t str,
}

/// A part of a block, with the tag at its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch<'t> {
    /// The tag.
    pub tag: Markup<'t>,
    /// The text up to the next tag of the block.
    pub inside: &'t str,
    /// What is in it.
    pub nodes: Vec<Node<'t>>,
}

/// The nodes of a template.
pub fn parse(template: &str) -> Vec<Node<'_>> {
    let mut parser = Parser { template, open: Vec::new(), nodes: Vec::new() };
    parser.parse();
    parser.nodes
}

struct Parser<'t> {
    template: &'t str,
    /// The blocks that are open, outermost first.
    open: Vec<Vec<Branch<'t>>>,
    nodes: Vec<Node<'t>>,
}

impl<'t> Parser<'t> {
    fn parse(&mut self) {
        let (mut at, mut searched) = (0, 0);
        let (mut has_outputs, mut has_tags) = (true, true);
        while let Some(found) = self.template[searched..].find('{') {
            let start = searched + found;
            let end = match self.template.as_bytes().get(start + 1) {
                Some(b'{') if has_outputs => self.end(start, "}}", &mut has_outputs),
                Some(b'%') if has_tags => self.end(start, "%}", &mut has_tags),
                _ => None,
            };
            let Some(end) = end else {
                searched = start + 1;
                continue;
            };
            self.push(Node::Text(&self.template[at..start]));
            at = self.markup(start, end);
            searched = at;
        }
        self.push(Node::Text(&self.template[at..]));
        while let Some(branches) = self.open.pop() {
            self.dissolve(branches);
        }
    }

    /// Where the markup that begins here ends; `more` becomes false if nothing closes it, nor any that follows.
    fn end(&self, start: usize, closing: &str, more: &mut bool) -> Option<usize> {
        let end = self.template[start + 2..].find(closing).map(|length| start + 2 + length + closing.len());
        *more = end.is_some();
        end
    }

    /// Adds an output or a tag; returns where to read on.
    fn markup(&mut self, start: usize, end: usize) -> usize {
        let source = &self.template[start..end];
        let inside = source[2..source.len() - 2].trim_start_matches('-').trim_end_matches('-').trim();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let length = inside.find(|c| !is_part(c)).unwrap_or(inside.len());
        let length = if source.starts_with("{%") { length } else { 0 };
        let (name, arguments) = (&inside[..length], inside[length..].trim());
        let tag = Markup { source, at: start, name, arguments };
        match name {
            _ if length == 0 && !source.starts_with("{%") => self.push(Node::Output(tag)),
            "raw" | "comment" => return self.verbatim(&tag, end),
            "elsif" | "else" | "when" => self.branch(tag),
            _ if BLOCKS.contains(&name) && self.open.len() < MAX_DEPTH => {
                self.open.push(vec![Branch { tag, inside: "", nodes: Vec::new() }]);
            }
            _ => match name.strip_prefix("end").filter(|name| BLOCKS.contains(name)) {
                Some(name) => self.close(name, &tag),
                None => self.push(Node::Tag(tag)),
            },
        }
        end
    }

    /// Text that is not parsed, and whether readers see it. Without an end it goes on to that of the template.
    fn verbatim(&mut self, tag: &Markup<'t>, start: usize) -> usize {
        let closing = if tag.name == "raw" { "endraw" } else { "endcomment" };
        let (end, after) = end_of_verbatim(self.template, start, closing);
        self.push(Node::Nothing(tag.source));
        let inside = &self.template[start..end];
        self.push(if tag.name == "raw" { Node::Text(inside) } else { Node::Nothing(inside) });
        self.push(Node::Nothing(&self.template[end..after]));
        after
    }

    fn push(&mut self, node: Node<'t>) {
        if matches!(node, Node::Text("") | Node::Nothing("")) {
            return;
        }
        match self.open.last_mut().and_then(|branches| branches.last_mut()) {
            Some(branch) => branch.nodes.push(node),
            None => self.nodes.push(node),
        }
    }

    fn branch(&mut self, tag: Markup<'t>) {
        let Some(branches) = self.open.last_mut().filter(|branches| has_branches(branches)) else {
            return self.push(Node::Tag(tag));
        };
        end_branch(self.template, branches, tag.at);
        branches.push(Branch { tag, inside: "", nodes: Vec::new() });
    }

    /// Closes the innermost block with this name; those in it were never closed.
    fn close(&mut self, name: &str, tag: &Markup<'t>) {
        let is_meant = |branches: &Vec<Branch<'_>>| branches.first().is_some_and(|first| first.tag.name == name);
        let Some(position) = self.open.iter().rposition(is_meant) else { return self.push(Node::Tag(*tag)) };
        while self.open.len() > position + 1 {
            if let Some(inner) = self.open.pop() {
                self.dissolve(inner);
            }
        }
        let Some(mut branches) = self.open.pop() else { return };
        end_branch(self.template, &mut branches, tag.at);
        let start = branches.first().map_or(tag.at, |first| first.tag.at);
        let source = &self.template[start..tag.at + tag.source.len()];
        self.push(Node::Block(Block { source, branches, end: tag.source }));
    }

    /// Adds the tags of a block without an end, and what follows them.
    fn dissolve(&mut self, branches: Vec<Branch<'t>>) {
        for branch in branches {
            self.push(Node::Tag(branch.tag));
            branch.nodes.into_iter().for_each(|node| self.push(node));
        }
    }
}

fn has_branches(branches: &[Branch<'_>]) -> bool {
    branches.first().is_some_and(|first| ["if", "unless", "case", "for"].contains(&first.tag.name))
}

fn end_branch<'t>(template: &'t str, branches: &mut [Branch<'t>], end: usize) {
    if let Some(branch) = branches.last_mut() {
        branch.inside = &template[branch.tag.at + branch.tag.source.len()..end];
    }
}

/// Where `{% closing %}` begins and ends after `start`.
fn end_of_verbatim(template: &str, start: usize, closing: &str) -> (usize, usize) {
    for (at, _) in template[start..].match_indices(closing) {
        let before = template[start..start + at].trim_end().trim_end_matches('-');
        let after = template[start + at + closing.len()..].trim_start().trim_start_matches('-');
        if before.ends_with("{%") && after.starts_with("%}") {
            return (start + before.len() - 2, template.len() - after.len() + 2);
        }
    }
    (template.len(), template.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The nodes in short: blocks in brackets, with a bar between branches.
    fn shape(nodes: &[Node<'_>]) -> String {
        let one = |node: &Node<'_>| match node {
            Node::Text(text) => (*text).to_owned(),
            Node::Nothing(_) => String::new(),
            Node::Output(markup) => format!("<{}>", markup.arguments),
            Node::Tag(markup) => format!("<%{} {}>", markup.name, markup.arguments),
            Node::Block(block) => {
                let branches: Vec<String> = block
                    .branches
                    .iter()
                    .map(|branch| format!("{} {}: {}", branch.tag.name, branch.tag.arguments, shape(&branch.nodes)))
                    .collect();
                format!("[{}]", branches.join("|"))
            }
        };
        nodes.iter().map(one).collect()
    }

    #[test]
    fn templates_are_parsed() {
        for (template, expected) in [
            ("a {{ b | c }} {%- d e -%} f", "a <b | c> <%d e> f"),
            ("{% if a %}b{% elsif c %}d{% else %}e{% endif %}f", "[if a: b|elsif c: d|else : e]f"),
            ("{% for a in b %}{% if c %}d{% endif %}{% endfor %}", "[for a in b: [if c: d]]"),
            ("{% raw %}{{ a }}{% if %}{%- endraw -%}b", "{{ a }}{% if %}b"),
            ("{% comment %}{% if %}{% endcomment %}b", "b"),
            ("{% raw %}a", "a"),
            ("{% if a %}b", "<%if a>b"),
            ("{% if a %}{% for b %}c{% endif %}d", "[if a: <%for b>c]d"),
            ("a{% endif %}b{% else %}", "a<%endif >b<%else >"),
            ("{{ a", "{{ a"),
            ("{% a {{ b }}", "{% a <b>"),
            ("{{{ a }}}", "<{ a>}"),
            ("{%%}{{}}", "<% ><>"),
        ] {
            assert_eq!(shape(&parse(template)), expected, "{template}");
        }
    }

    #[test]
    fn long_templates_take_no_time() {
        for part in ["{%", "{{", "{% if a %}", "{% raw", "{% raw %}", "{% comment %}", "endraw", "{% endif %}", "{"] {
            let template = part.repeat(300_000);
            assert!(!parse(&template).is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed(parts in proptest::collection::vec(prop_oneof![
            Just("{% if x %}"), Just("{% else %}"), Just("{% endif %}"), Just("{% for a in b %}"), Just("{% endfor %}"), Just("{{ x }}"),
            Just("{% raw %}"), Just("{% endraw %}"), Just("{%"), Just("%}"), Just("{{"), Just("}}"), Just("é\n"), Just("-"),
        ], 0..40)) {
            parse(&parts.concat());
        }
    }
}
