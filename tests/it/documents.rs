//! What users read: README, guides, reference pages and the templates' page, as Markdown: their code blocks, links and anchors.

use std::fs;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::program::{files, repository};

/// What users read, by its path below the repository.
pub fn documents() -> Vec<String> {
    let guides = files(&repository().join("docs")).into_iter().map(|path| format!("docs/{}", path.display()));
    let mut documents: Vec<String> = guides.filter(|path| path.ends_with(".md")).collect();
    assert!(documents.len() > 15, "the guides are gone");
    documents.extend(["README.md", "templates/README.md"].map(str::to_owned));
    documents
}

pub fn read(document: &str) -> String {
    fs::read_to_string(repository().join(document)).unwrap()
}

/// A code block.
pub struct Block {
    pub language: String,
    pub text: String,
}

impl Block {
    /// A service runs it.
    pub fn is_workflow(&self) -> bool {
        self.language == "yaml" && self.text.contains("\njobs:")
    }

    /// The example issue of `templates/README.md`.
    pub fn is_front_matter(&self) -> bool {
        self.text.contains("\ndate:")
    }
}

/// The code blocks of a document.
pub fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language =
                    if let CodeBlockKind::Fenced(language) = kind { language.to_string() } else { String::new() };
                blocks.push(Block { language, text: String::new() });
                inside = true;
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => blocks.last_mut().unwrap().text.push_str(&text),
            _ => {}
        }
    }
    blocks
}

/// The targets of links and images.
pub fn links(text: &str) -> Vec<String> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES);
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    };
    events.filter_map(target).collect()
}

/// The anchors of headings, as GitHub makes them.
pub fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                anchors.push(String::new());
                inside = true;
            }
            Event::End(TagEnd::Heading(_)) => inside = false,
            Event::Text(text) | Event::Code(text) if inside => {
                let kept = text.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
                let kept: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
                anchors.last_mut().unwrap().push_str(&kept.to_lowercase());
            }
            _ => {}
        }
    }
    anchors
}
