//! The rules checked while the project is read. The findings come from `config`, `load`, `disk` and others; the list is here.

use crate::check::rule::Rule;

pub(super) const RULES: [&Rule; 38] = [
    &Rule::error(
        "config-missing",
        "The project file, or a key it requires, is missing",
        "`slugline init` writes a project file in which the keys are explained",
    ),
    &Rule::error(
        "config-key",
        "The project file contains an unknown key",
        "use the key that the finding suggests, or remove it",
    ),
    &Rule::error(
        "config-value",
        "A key of the project file has an invalid value",
        "nothing is built until it is fixed; the finding says which values are allowed",
    ),
    &Rule::warning(
        "renamed",
        "The project file uses the old name of a key or rule",
        "it still works; write the new name that the finding shows",
    ),
    &Rule::warning(
        "format-config",
        "The configuration of the site's generator cannot be read",
        "it is ignored; correct it, or set in the project file what it determines",
    ),
    &Rule::warning(
        "authors-file",
        "The file of a site's authors cannot be read",
        "keys of authors are taken for their names; correct the file",
    ),
    &Rule::warning(
        "hugo-config",
        "A file or setting of Hugo's configuration cannot be read or followed",
        "it is ignored; correct it, or write in the project file what it says",
    ),
    &Rule::warning(
        "secret-missing",
        "The unsubscribe link needs tokens, and there is no secret to make them",
        "nothing is mailed from this machine; make a secret with `slugline key secret secret.txt`, and set `secret_file`, or \
         set SLUGLINE_SECRET",
    ),
    &Rule::error(
        "secret-short",
        "The secret for tokens is too short, or empty",
        "tokens could be guessed, so nothing is mailed; make one with `slugline key secret FILE`",
    ),
    &Rule::error(
        "no-issues",
        "The content folders contain no Markdown file",
        "set `content` in the project file to the folder that contains your issues",
    ),
    &Rule::error(
        "unreadable",
        "A file or folder cannot be read",
        "it is skipped; give the user who runs slugline permission to read it, or remove what is not a file",
    ),
    &Rule::error(
        "issue-too-large",
        "The file of an issue has more than 4 MiB",
        "it is neither published nor mailed; divide it, or put its data and pictures into files of their own",
    ),
    &Rule::error("not-utf8", "A file is not UTF-8", "it is skipped; save it as UTF-8"),
    &Rule::error(
        "path-not-unicode",
        "A file name is not valid Unicode",
        "it is skipped because no URL can name it; rename the file",
    ),
    &Rule::warning(
        "symbolic-link",
        "A file or folder of the content is a symbolic link",
        "it is skipped, as by Hugo; put the file itself there, or name its folder in `content`",
    ),
    &Rule::warning(
        "swallowed-issues",
        "An `index.md` makes a folder with other issues one issue",
        "the others are skipped, as by Hugo; rename it to `_index.md`",
    ),
    &Rule::warning(
        "not-rendered",
        "A tag, component or expression of the site's generator cannot be rendered",
        "readers see the text, links and pictures in it, if any; write in Markdown what they should see",
    ),
    &Rule::warning(
        "skipped-files",
        "Files that look like posts are not read, because of their endings",
        "convert them to Markdown, name the generator that reads them in `format`, or name them in `exclude`",
    ),
    &Rule::error(
        "front-matter-missing",
        "A file does not begin with front matter",
        "it is skipped; begin it with `---`, a line `title: …`, a line `date: …` and `---`, or set `format: plain`",
    ),
    &Rule::error(
        "front-matter-unclosed",
        "The front matter is not closed",
        "the file is skipped; write the closing fence alone on a line",
    ),
    &Rule::error(
        "front-matter-syntax",
        "The front matter is not valid YAML, TOML or JSON, or repeats a field",
        "the file is skipped; quote text that contains `: `, `#`, quotes or brackets",
    ),
    &Rule::error(
        "front-matter-value",
        "A front matter field has an invalid value",
        "if it is an error, the issue is skipped; if it is a warning, only the value is ignored",
    ),
    &Rule::warning(
        "no-date",
        "An issue has no date",
        "it is neither published nor mailed; add `date: …` to its front matter, or name a page in `exclude`; an error if a key \
         is misspelt",
    ),
    &Rule::error(
        "duplicate-issue",
        "Two issues have the same permalink or id",
        "one of them is skipped; give it another slug or id; a warning if only the other is published",
    ),
    &Rule::warning(
        "backfilled",
        "Issues are read for the first time, though they are not new: the version of slugline before could not read them",
        "they are in no feed, and not mailed; the next build records them in `feeds.lock`; to publish one as new, remove \
         `backfilled = true` from its line there",
    ),
    &Rule::warning(
        "possible-rename",
        "An issue looks like a mailed one that is gone",
        "it is not mailed, and feeds show it under the id of the other; if it is the same, add the old permalink to its \
         `aliases`; if it is new, run `slugline send ISSUE --new`",
    ),
    &Rule::error(
        "page-address",
        "No file of the web archive can be written for the address of an issue",
        "it gets no page; give it another slug, or change the pattern in `archive`",
    ),
    &Rule::error(
        "page-conflict",
        "Two pages of the web archive would be the same file",
        "the later one is skipped; give one of them another slug, or change the pattern in `archive`",
    ),
    &Rule::warning(
        "cover-missing",
        "The file of a cover does not exist",
        "readers would see a broken picture; put the file next to the issue, into `static` or into `assets`, or fix \
         its name",
    ),
    &Rule::warning(
        "cover-not-image",
        "The file of a cover is not an image",
        "the type is read from its bytes; use PNG, JPEG, GIF, WebP, AVIF, HEIC, SVG, BMP or TIFF",
    ),
    &Rule::warning(
        "cover-unreadable",
        "The file of a cover cannot be read",
        "give the user who runs slugline permission to read it",
    ),
    &Rule::warning(
        "covers-lock",
        "A line of `covers.lock` cannot be read",
        "it is ignored; remove it and run `slugline covers fetch` to measure the cover again",
    ),
    &Rule::warning(
        "cover-unmeasured",
        "A cover hosted elsewhere has never been measured",
        "feeds cannot say how large it is; run `slugline covers fetch` and commit `covers.lock`",
    ),
    &Rule::error(
        "git-history",
        "Git cannot tell when issues changed, although `updated_from` is set to `git`",
        "build in a full clone, not a shallow one, with git installed; or remove `updated_from`",
    ),
    &Rule::error(
        "shortcode-template",
        "The template of a custom shortcode is invalid",
        "the shortcode counts as unknown; fix the file in `templates/shortcodes`",
    ),
    &Rule::error(
        "shortcode-unknown",
        "A shortcode does not exist",
        "readers get only its text, picture or link; fix the name, or add `templates/shortcodes/NAME.html`",
    ),
    &Rule::error(
        "shortcode-invalid",
        "A shortcode cannot be expanded",
        "readers get only the text inside it; give it the arguments it needs",
    ),
    &Rule::warning(
        "shortcode-unpaired",
        "A closing shortcode has no opening one",
        "remove it, or add the opening shortcode",
    ),
];
