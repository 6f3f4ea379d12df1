//! The source of one issue: file, front matter and parsed body, with the places of everything.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::check::masking::{is_built_into_hugo, masked};
use crate::content::cover;
use crate::content::front_matter::{self, Block, Fields};
use crate::content::markdown::offsets::parse_with_offsets;
use crate::finding::{Finding, Place};
use crate::issue::{Cover, Issue};
use crate::shortcodes::syntax::Shortcode;

/// An issue with the text of its file.
#[derive(Debug)]
pub struct IssueSource<'a> {
    /// The issue as loaded.
    pub issue: &'a Issue,
    /// Its cover, if known.
    pub(super) cover: Option<&'a Cover>,
    /// The complete file.
    pub(super) text: &'a str,
    /// Where the body begins, and the body with its shortcodes masked.
    body: (usize, Cow<'a, str>),
    block: Option<Block<'a>>,
    /// The events of the body; ranges count from the start of the file.
    pub(super) events: Vec<(Event<'static>, Range<usize>)>,
    /// The shortcodes of the body, which are masked in `events`.
    pub(super) shortcodes: Vec<Shortcode<'a>>,
}

impl<'a> IssueSource<'a> {
    /// Parses the text of an issue's file.
    pub fn new(issue: &'a Issue, cover: Option<&'a Cover>, text: &'a str) -> Self {
        let start = if text.is_char_boundary(issue.body.offset) { issue.body.offset } else { text.len() };
        let (body, shortcodes) = masked(text, start);
        let events = parse_with_offsets(&body)
            .into_iter()
            .map(|(event, at)| (event, start + at.start..start + at.end))
            .collect();
        let block = front_matter::split(&issue.path, text.as_bytes()).ok();
        Self { issue, cover, text, body: (start, body), block, events, shortcodes }
    }

    /// The Markdown at these bytes of the file, with its shortcodes masked.
    pub(super) fn markdown(&self, range: &Range<usize>) -> &str {
        let (start, body) = &self.body;
        range.start.checked_sub(*start).and_then(|from| body.get(from..range.end - start)).unwrap_or_default()
    }

    /// The characters directly before and after these bytes of the body.
    pub(super) fn around(&self, range: Range<usize>) -> (Option<char>, Option<char>) {
        let (start, body) = &self.body;
        let before = range.start.checked_sub(*start).and_then(|to| body.get(..to)).unwrap_or_default();
        let after = range.end.checked_sub(*start).and_then(|from| body.get(from..)).unwrap_or_default();
        (before.chars().next_back(), after.chars().next())
    }

    /// The front matter as written.
    pub(super) fn front_matter_text(&self) -> &str {
        &self.text[..self.body.0]
    }

    /// Places the finding at these bytes of the file.
    pub(super) fn at(&self, finding: Finding, range: Range<usize>) -> Finding {
        let place = Place::in_text(&self.issue.path, self.text, range.start);
        let line = self.text.get(range).unwrap_or_default().lines().next().unwrap_or_default();
        finding.at(place).over(line.chars().count().max(1))
    }

    /// Places the finding at the first of these fields that the front matter has, or else at its opening line. A dot separates
    /// a nested key.
    pub(super) fn at_field(&self, finding: Finding, fields: &[&str]) -> Finding {
        let place = |field: &&str| {
            let keys: Vec<&str> = field.split('.').collect();
            Some(self.block?.place_inside(&self.issue.path, &keys))
        };
        let places = fields.iter().filter_map(place);
        let place = places.into_iter().find(|place| place.line > 0).map(|place| self.with_source(place));
        finding.at(place.unwrap_or_else(|| self.front_matter()))
    }

    /// Places at the key of a field the finding that `found` makes of the key as written; of the name if it cannot be located.
    pub(super) fn at_key(&self, field: &str, found: impl Fn(&str) -> Finding) -> Finding {
        let place = self.block.map(|block| block.place(&self.issue.path, field)).filter(|place| place.line > 0);
        let Some(mut place) = place.map(|place| self.with_source(place)) else {
            return found(field).at(self.front_matter());
        };
        let line = place.source.as_deref().unwrap_or_default();
        let before = line.chars().take_while(|c| c.is_whitespace() || ['"', '\''].contains(c)).count();
        let written: String = line.chars().skip(before).take(field.chars().count()).collect();
        if written.to_lowercase() != field {
            return found(field).at(place);
        }
        place.column = 1 + before;
        found(&written).at(place).over(written.chars().count())
    }

    /// The fields of the front matter, none if it cannot be parsed.
    pub(super) fn fields(&self) -> Fields {
        self.block.and_then(|block| block.allowing_repeats().fields(&self.issue.path).ok()).unwrap_or_default()
    }

    /// Places the finding at the field that names the cover.
    pub(super) fn at_cover(&self, finding: Finding) -> Finding {
        let fields: Vec<String> = cover::FIELDS.iter().map(|field| format!("{field}.image")).collect();
        self.at_field(finding, &fields.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Whether the body uses custom shortcodes, whose output is unknown here.
    pub(super) fn has_custom_shortcodes(&self) -> bool {
        self.shortcodes.iter().any(|shortcode| !is_built_into_hugo(shortcode.name))
    }

    /// The line that opens the front matter.
    pub(super) fn front_matter(&self) -> Place {
        let line =
            1 + self.text.lines().position(|line| !line.trim_start_matches('\u{feff}').trim().is_empty()).unwrap_or(0);
        Place { path: self.issue.path.clone(), line, column: 0, source: None }
    }

    /// The events outside code, each with its bytes.
    pub(super) fn prose(&self) -> impl Iterator<Item = &(Event<'static>, Range<usize>)> {
        let mut in_code = false;
        self.events.iter().filter(move |(event, _)| {
            match event {
                Event::Start(Tag::CodeBlock(_)) => in_code = true,
                Event::End(TagEnd::CodeBlock) => in_code = false,
                _ => return !in_code,
            }
            false
        })
    }

    /// The place with the text of its line.
    fn with_source(&self, place: Place) -> Place {
        Place::at_line(place.path, self.text, place.line, place.column)
    }
}
