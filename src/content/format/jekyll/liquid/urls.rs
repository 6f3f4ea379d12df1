//! `link` and `post_url`: the addresses of other files of the site.
//!
//! Takes the tag; returns the address of the post, or of the page that Jekyll makes of the file.

use crate::content::format::jekyll::liquid::lexer::quoted;
use crate::content::format::jekyll::liquid::syntax::Markup;
use crate::content::format::jekyll::liquid::{Renderer, filters, syntax};
use crate::content::format::jekyll::location::FileName;
use crate::content::format::jekyll::permalink::Page;
use crate::content::format::jekyll::time;

impl Renderer<'_> {
    /// The address that the tag stands for.
    pub(super) fn url(&mut self, tag: &Markup<'_>) -> String {
        let written = self.filled(tag.arguments);
        let path = quoted(&written).unwrap_or(&written).trim_start_matches('/');
        let is_post = tag.name == "post_url";
        let file = if is_post { format!("{path}.md") } else { path.to_owned() };
        let posted = || (self.of.address)(&file);
        let is_page = is_post || FileName::new(&file).output_extension() == ".html";
        match is_page.then(posted).flatten().or_else(|| self.url_of_file(&file, is_post)) {
            Some(url) => url,
            None => {
                self.lose(tag, format!("the address of `{path}`"));
                String::new()
            }
        }
    }

    /// The address of a file that is not among the posts: what its path says of it.
    fn url_of_file(&self, file: &str, is_post: bool) -> Option<String> {
        let name = FileName::new(file);
        let date = name.date.and_then(time::of_name).and_then(|date| time::parse(&date, self.jekyll.zone));
        let page = Page { date: date.unwrap_or_default(), ..Page::default() };
        let path = match (is_post, name.output_extension()) {
            (true, _) => self.jekyll.address_of(&posts_path(file), None, page)?,
            (false, ".html") => self.jekyll.address_of(file, None, page).unwrap_or_else(|| below_collection(file)),
            _ => format!("/{file}"),
        };
        let (origin, base) = self.scope.addresses();
        Some(format!("{origin}{base}{}", path.replace(' ', "%20")))
    }

    /// Text with its outputs evaluated.
    pub(super) fn filled(&self, text: &str) -> String {
        if !text.contains("{{") {
            return text.trim().to_owned();
        }
        let one = |node: &syntax::Node<'_>| match node {
            syntax::Node::Text(text) => (*text).to_owned(),
            syntax::Node::Output(markup) => {
                self.evaluate(markup.arguments).value.as_ref().map(filters::text).unwrap_or_default()
            }
            _ => String::new(),
        };
        syntax::parse(text).iter().map(one).collect::<String>().trim().to_owned()
    }
}

/// The path that a name in `post_url` means: its folders are around or in `_posts`.
fn posts_path(name: &str) -> String {
    if name.contains("_posts/") { name.to_owned() } else { format!("_posts/{name}") }
}

/// The page of a file in the folder of a collection that no setting names.
fn below_collection(file: &str) -> String {
    let stem = &file[..file.len() - FileName::new(file).extension.len()];
    format!("/{}.html", stem.trim_start_matches('_'))
}
