//! The rules that are kept while the project is read: found by `config`, `load` and `disk`, listed here.

use crate::check::rule::Rule;

pub(super) const RULES: [&Rule; 26] = [
    &Rule::error(
        "config-missing",
        "The project file, or a key it must have, is missing",
        "`slugline init` writes one in which every key is explained",
    ),
    &Rule::error("config-key", "The project file has an unknown key", "write the key that the finding names"),
    &Rule::error(
        "config-value",
        "A value in the project file cannot be what it says",
        "write what the finding asks for; nothing is built before",
    ),
    &Rule::warning(
        "renamed",
        "The project file uses the old name of a key or rule",
        "it still works; write the new name, which the finding names",
    ),
    &Rule::error(
        "no-issues",
        "There is no Markdown file in the content folders",
        "set `content` in the project file to the folder that holds your issues",
    ),
    &Rule::error("unreadable", "A file or folder cannot be read", "it is left out; let the user who runs this read it"),
    &Rule::error("not-utf8", "A file is not UTF-8", "it is left out; save it as UTF-8"),
    &Rule::error(
        "path-not-unicode",
        "The name of a file is not Unicode",
        "it is left out, for no URL can name it; rename the file",
    ),
    &Rule::error(
        "front-matter-missing",
        "A file does not begin with front matter",
        "it is left out; begin it with `---`, a line `title: …`, a line `date: …` and `---`",
    ),
    &Rule::error(
        "front-matter-open",
        "The front matter does not end",
        "it is left out; write the closing fence alone on a line",
    ),
    &Rule::error(
        "front-matter-syntax",
        "The front matter is not YAML or TOML, or repeats a field",
        "it is left out; put text that holds `: `, `#`, quotes or brackets between quotes",
    ),
    &Rule::error(
        "front-matter-value",
        "A field of the front matter cannot be what it says",
        "an issue without title, or with a date that is none, is left out; of other fields only the value is",
    ),
    &Rule::error(
        "no-date",
        "An issue has no date",
        "it is neither published nor mailed; write `date: …` into its front matter",
    ),
    &Rule::error(
        "repeated",
        "Two issues have one permalink or one id",
        "the later one is left out; give one of the two another slug or id",
    ),
    &Rule::error(
        "page-address",
        "An issue has an address at which no file of the web archive can lie",
        "it has no page; give it another slug, or `archive` another pattern",
    ),
    &Rule::error(
        "page-taken",
        "Two pages of the web archive would be one file",
        "the later one is left out; give one of the two another slug, or `archive` another pattern",
    ),
    &Rule::warning(
        "cover-missing",
        "The file of a cover does not exist",
        "readers would show a broken picture; put it beside the issue, into `static` or into `assets`, or mend its name",
    ),
    &Rule::warning(
        "cover-no-picture",
        "The file of a cover is no picture",
        "its bytes tell what it is; use a PNG, JPEG, GIF, WebP, AVIF, HEIC, SVG, BMP or TIFF file",
    ),
    &Rule::warning("cover-unreadable", "The file of a cover cannot be read", "let the user who runs this read it"),
    &Rule::warning(
        "covers-lock",
        "A line of `covers.lock` cannot be read",
        "it is left out; remove it, and let `slugline covers fetch` measure the cover again",
    ),
    &Rule::warning(
        "cover-unmeasured",
        "Covers elsewhere on the web were never measured",
        "feeds do not say how large they are; run `slugline covers fetch` and commit `covers.lock`",
    ),
    &Rule::error(
        "history",
        "Git does not tell when issues changed, though the project file says `updated_from: git`",
        "build in a whole clone, not a shallow one, with git installed; or remove `updated_from`",
    ),
    &Rule::error(
        "shortcode-template",
        "A project's own shortcode has a template that cannot be understood",
        "it counts as unknown; mend the file in `templates/shortcodes`",
    ),
    &Rule::error(
        "shortcode-unknown",
        "There is no such shortcode",
        "readers get the text in it, if any; mend the name, or write `templates/shortcodes/NAME.html`",
    ),
    &Rule::error(
        "shortcode-wrong",
        "A shortcode cannot show what it should",
        "readers get the text in it, if any; give it the arguments it needs",
    ),
    &Rule::warning("shortcode-unpaired", "A shortcode ends that did not begin", "take out its end, or write its begin"),
];
