//! Reads the front matter of files and assembles issues.
//!
//! Takes files and what decides about issues besides them; returns issues in no particular order, and findings by path.

use std::io;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde_json::{Map, Value};

use crate::config::Config;
use crate::content::assemble::{Assembled, Site, Source, assemble};
use crate::content::front_matter::{self, Block};
use crate::content::names::Names;
use crate::content::path::{composed, is_html};
use crate::content::sections::Sections;
use crate::disk::Project;
use crate::disk::heads::{AT_ONCE, HeadReader};
use crate::disk::sources::SourceFile;
use crate::finding::{Finding, Place};
use crate::issue::Issue;
use crate::load::Issues;
use crate::load::bodies::{MAX_ISSUE_BYTES, too_large};
use crate::load::history::History;

/// Reads the files in chunks, in parallel, into one list: a hundred thousand issues are never copied.
pub(super) fn read_all(
    project: &Project,
    config: &Config,
    surroundings: Surroundings<'_>,
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
) -> Issues {
    const FILES_PER_CHUNK: usize = 64;
    const FRONT_MATTER_BYTES: usize = 1024;
    // No text is looked at on a site of Hugo.
    let at_once = if config.format.is_of_hugo() { FRONT_MATTER_BYTES } else { AT_ONCE };
    let all = Mutex::new((Vec::with_capacity(files.len()), Vec::new()));
    files.into_par_iter().chunks(FILES_PER_CHUNK).for_each_init(Names::default, |names, files| {
        let (mut issues, mut findings) = (Vec::with_capacity(files.len()), Vec::new());
        let reader = project.head_reader(files.iter().map(|file| file.path.as_str()), at_once);
        for file in files {
            let assembled = load(&reader, config, surroundings, names, &file);
            // Not a second copy of each path.
            issues.extend(assembled.issue.map(|issue| Issue { path: file.path, ..issue }));
            findings.extend(assembled.findings);
        }
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.extend(issues);
        all.1.extend(findings);
    });
    let (issues, mut of_files) = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let path = |finding: &Finding| finding.place.as_ref().map(|place| place.path.clone());
    of_files.sort_by_cached_key(path);
    Issues { issues, findings: findings.into_iter().chain(of_files).collect() }
}

/// What decides about issues besides their files.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub history: &'a History,
    pub sections: &'a Sections,
    pub people: &'a Map<String, Value>,
}

fn load(
    reader: &HeadReader<'_>,
    config: &Config,
    surroundings: Surroundings<'_>,
    names: &mut Names,
    file: &SourceFile,
) -> Assembled {
    let left_out = |finding| Assembled { issue: None, findings: vec![finding] };
    let (head, size) = match reader.head(&file.path, front_matter::is_complete) {
        Ok(read) => read,
        Err(error) => return left_out(unreadable(&file.path, &error)),
    };
    let below_content = config.languages.without_language(file.below_content());
    let Some(block) = block(&file.path, &head, config) else {
        return Assembled::default();
    };
    // Validating the texts of all issues would take longer than reading their front matter.
    let beginning = block.as_ref().map_or(0, |block| block.body.offset);
    let text = if config.format.is_of_hugo() { &[] } else { &head[beginning..] };
    let source = Source {
        path: &file.path,
        below_content: &composed(&below_content),
        changed: surroundings.history.updated(&file.path),
        in_site: config.format.path_in_site(&file.path),
        beginning: beginning_of_text(text),
        created: surroundings.history.created(&file.path),
    };
    let publication = config.languages.of_file(&file.path, &config.publication);
    let site = site(config, surroundings, &file.path);
    match block {
        Ok(block) => match assemble(source, &block, publication, site, names) {
            Assembled { issue: Some(issue), .. } if size > MAX_ISSUE_BYTES && (issue.feed || issue.email) => {
                left_out(too_large(&file.path))
            }
            assembled => assembled,
        },
        // A page or a fragment that is published as it is.
        Err(finding) if is_missing(&finding) && is_html(&file.path) => Assembled::default(),
        // A fragment that other pages include.
        Err(_) if !site.lists(source, publication) => Assembled::default(),
        Err(finding) => left_out(*finding),
    }
}

fn unreadable(path: &str, error: &io::Error) -> Finding {
    let finding = Finding::error("unreadable", format!("the file cannot be read: {error}"));
    finding.help("give the user who runs slugline permission to read it").at(Place::file(path))
}

fn is_missing(finding: &Finding) -> bool {
    finding.rule == "front-matter-missing"
}

/// What the site determines about this file.
fn site<'a>(config: &'a Config, surroundings: Surroundings<'a>, path: &str) -> Site<'a> {
    Site {
        permalink: &config.permalink,
        page: config.archive.as_ref().filter(|archive| !archive.is_permalink).map(|archive| &archive.pattern),
        sections: Some(surroundings.sections),
        cascades: &config.cascade,
        main_language: config.languages.own(),
        file_date: config.file_date,
        root: config.site_root(path),
        format: Some(&config.format.format),
        fields: &config.fields,
        people: Some(surroundings.people),
    }
}

/// The front matter of a file; `None` if it has none, and the format needs none, but does not take the file for a post.
fn block<'h>(path: &str, head: &'h [u8], config: &Config) -> Option<Result<Block<'h>, Box<Finding>>> {
    let format = &config.format.format;
    let block = match front_matter::split(path, head) {
        Ok(block) if format.reads_key_values() => Ok(block.or_key_values()),
        Err(finding) if is_missing(&finding) && format.reads_bare_files() => {
            let is_post = format.is_bare_post(config.format.path_in_site(path));
            is_post.then(|| Ok(front_matter::bare(head)))?
        }
        block => block,
    };
    Some(if format.allows_repeated_fields() { block.map(Block::allowing_repeats) } else { block })
}

/// The bytes as text, up to the first that is not UTF-8: the last character may be cut.
fn beginning_of_text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    }
}
