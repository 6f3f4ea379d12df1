//! Markdown without CJK text means exactly what CommonMark and GFM specify.
//!
//! Compares the events of a document with those of the parser alone.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, TextMergeStream};
use slugline::parts::Document;

/// The extensions of a document; formulas are excluded, since they need a dollar sign.
const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_DEFINITION_LIST)
    .union(Options::ENABLE_HEADING_ATTRIBUTES);

/// Every kind of block and span, and edge cases of emphasis.
const EXAMPLES: [&str; 60] = [
    "plain\n",
    "*a*\n",
    "**a**\n",
    "***a***\n",
    "_a_ __b__ ___c___\n",
    "a*b*c\n",
    "a**b**c\n",
    "a_b_c\n",
    "**a.**b\n",
    "a**(b)**c\n",
    "a**\"b\"**\n",
    "**a** **b**\n",
    "**a****b**\n",
    "*a**b*\n",
    "**a*b**\n",
    "***a** b*\n",
    "***a* b**\n",
    "* a *\n",
    "** a **\n",
    "\\*a\\*\n",
    "*a\n\nb*\n",
    "`*a*`\n",
    "``a ` b``\n",
    "*a `*` b*\n",
    "*[a*](b)\n",
    "[*a*](b \"c\")\n",
    "![*a*](b)\n",
    "<a href=\"*\">*b*</a>\n",
    "<https://example.org/*a*>\n",
    "[a]\n\n[a]: /b '*c*'\n",
    "~~a~~ ~b~\n",
    "a~~b~~c\n",
    "~~~\n*a*\n~~~\n",
    "```rust\n**a**\n```\n",
    "    **a**\n",
    "# *a*\n",
    "## a ## {#b}\n",
    "a\n===\n\nb\n---\n",
    "***\n",
    "* * *\n",
    "- a\n- b\n\n  c\n",
    "* a\n  * b\n    * c\n",
    "1. a\n2. b\n",
    "1) a\n\n   b\n",
    "- [ ] a\n- [x] *b*\n",
    "> *a*\n> b\n\nc\n",
    "> - a\nlazy\n",
    "|a|*b*|\n|-|:-:|\n|`c`|**d**|\n",
    "a[^1]\n\n[^1]: *b*\n",
    "a\n: *b*\n",
    "a  \nb\\\nc\n",
    "&amp; &copy; &#42;a&#42;\n",
    "<div>\n*a*\n</div>\n",
    "<!-- *a* -->\n",
    "<b>*a*</b>\n",
    "a<br>*b*\n",
    "\ta\n",
    "**a\nb**\n",
    "*a*b*c*\n",
    "a * b ** c\n",
];

fn is_as_written(markdown: &str) -> Result<(), TestCaseError> {
    // Where a text is divided means nothing, nor does an empty one.
    let alone: Vec<Event<'_>> = TextMergeStream::new(Parser::new_ext(markdown, OPTIONS)).collect();
    let document = Document::parse(markdown);
    let shown = document.events().iter().filter(|event| **event != Event::Text("".into())).cloned();
    let events: Vec<Event<'_>> = TextMergeStream::new(shown).collect();
    prop_assert_eq!(events, alone, "{}", markdown);
    Ok(())
}

#[test]
fn every_construct_means_what_the_standard_says() -> Result<(), TestCaseError> {
    EXAMPLES.into_iter().try_for_each(is_as_written)
}

fn token() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "*", "**", "***", "****", "_", "__", "~", "~~", "`", "```\n", "[", "]", "(b)", "![", "<i>", "</i>", "\\",
        "&amp;", "# ", "> ", "- ", "1. ", "- [x] ", "|", "|-|\n", ": ", "[^1]", "[^1]: ", "    ", " ", "\n", "\n\n",
        "a", "b.", "(c)", "\"d\"", "7", "!", "---\n", "===\n",
    ])
}

proptest! {
    #[test]
    fn any_mixture_means_the_same(tokens in prop::collection::vec(token(), 0..40)) {
        let text = tokens.concat();
        // A label in bold with a space inside is the one exception: `**Word: **`.
        if !text.split('*').any(|part| part.trim_end().ends_with(':')) {
            is_as_written(&text)?;
        }
    }
}
