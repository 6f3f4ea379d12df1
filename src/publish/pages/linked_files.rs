//! Files of the project that pages embed or link to, copied to where their URLs point.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;
use url::Url;

use crate::content::html::tag::Tags;
use crate::content::html::urls::srcset_candidates;
use crate::issue::{Cover, Issue};
use crate::page::output_path;
use crate::publish::pages::{PageFile, PageFileKind, SiteBuilder};
use crate::publish::writers;

impl SiteBuilder<'_> {
    /// The files behind the URLs in a page, each with its path below the output folder.
    pub(super) fn files_of(&self, issue: &Issue, cover: Option<&Cover>, html: &str) -> Vec<(String, PathBuf)> {
        let mut urls: Vec<Url> = cover.map(|cover| cover.url.clone()).into_iter().collect();
        for (_, tag) in Tags::of(html).filter(|(_, tag)| !tag.closes) {
            let of_tag = ["src", "href", "poster"].into_iter().filter_map(|name| tag.attribute(name));
            let sets = tag.attribute("srcset").into_iter().flat_map(srcset_candidates).map(|(address, _)| address);
            let addresses = of_tag.chain(sets).map(html_escape::decode_html_entities);
            urls.extend(addresses.filter_map(|address| Url::parse(&address).ok()));
        }
        let base = &self.source.config.publication.base_url;
        let file = |url: &Url| {
            let file =
                output_path::file_below(base, url).ok().filter(|file| !file.is_empty() && !file.ends_with('/'))?;
            Some((file, self.files.at(&issue.path, &issue.permalink, url)?))
        };
        urls.iter().filter_map(file).collect()
    }

    /// Copies the files, except over something that was built.
    pub(super) fn copy_files(&mut self) -> anyhow::Result<()> {
        let output = self.source.output;
        let pages: BTreeSet<&str> = self.made.pages.iter().map(|page| page.path.as_str()).collect();
        let is_built = |path: &str| self.source.built.contains(path) || pages.contains(path);
        let files: Vec<(String, PathBuf)> = std::mem::take(&mut self.linked_files)
            .into_iter()
            .map(|(file, from)| (output.join(file).to_string_lossy().into_owned(), from))
            .filter(|(path, _)| !is_built(path))
            .collect();
        let copy = |(path, from): &(String, PathBuf)| {
            let from = std::path::absolute(from)?;
            let (written, bytes) = self.source.project.copy(from, path)?;
            Ok(PageFile { part: PageFileKind::File, path: path.clone(), bytes, written })
        };
        let copied: Vec<anyhow::Result<PageFile>> =
            writers(files.len())?.install(|| files.par_iter().map(copy).collect());
        for page in copied {
            self.made.pages.push(page?);
        }
        Ok(())
    }
}
