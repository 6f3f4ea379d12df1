use proptest::prelude::*;

use super::*;

fn markdown_of(text: &str, is_mdx: bool) -> String {
    translated(text, is_mdx).markdown.into_owned()
}

fn lost(text: &str, is_mdx: bool) -> Vec<String> {
    translated(text, is_mdx).lost.into_iter().map(|lost| lost.what).collect()
}

#[test]
fn components_vanish_and_what_they_hold_stays() {
    for (text, expected) in [
        (
            "<Tabs>\n<TabItem value=\"npm\">\n\nUse **npm**.\n\n</TabItem>\n</Tabs>",
            "\n<strong>npm</strong>\n\nUse **npm**.\n\n\n",
        ),
        ("## Highlights <JumpToc/>", "## Highlights "),
        ("<Foo.Bar x={1}>a</Foo.Bar> b", "a b"),
        ("<Outer>\n  <Inner>\n\n    text\n\n    - a\n      b\n  </Inner>\n</Outer>", "\n\n\ntext\n\n- a\n  b\n\n"),
        ("- a\n\n  <Foo>\n    b\n  </Foo>", "- a\n\n  \n  b\n  "),
        ("<Foo\n  a={() => {\n    return 1\n  }}\n/>\nA", "\n\n\n\n\nA"),
        ("<client-only>\n\nA\n\n</client-only>", "\n\nA\n\n"),
        ("<Card>\n<template #title>A</template>\n</Card>", "\nA\n"),
        ("<Head>\n<title>x</title>\n</Head>\nA", "\n\n\nA"),
        (
            "<table>\n<tr>\n<Cell>\n<td>a</td>\n</Cell>\n</tr>\n</table>",
            "<table>\n<tr>\n<!-- -->\n<td>a</td>\n<!-- -->\n</tr>\n</table>",
        ),
        ("<Details>\n<summary>S</summary>\nA\n</Details>\nB", "> [!DETAILS]\n> <summary>S</summary>\n> A\n\nB"),
    ] {
        assert_eq!(markdown_of(text, false), expected, "{text}");
    }
}

#[test]
fn components_keep_what_matters() {
    for (text, expected) in [
        ("<Image src=\"/a.png\" alt=\"A & B\" width={80}/>", "<img src=\"/a.png\" alt=\"A &amp; B\" width=\"80\">"),
        ("<Image src=\"https://example.org/1\"/>", "<img src=\"https://example.org/1\" alt=\"\">"),
        ("<Zoom light=\"/a.png\"/>", "<img src=\"/a.png\" alt=\"\">"),
        ("<Figure src=\"/a.png\" caption=\"The sea\"/>", "<img src=\"/a.png\" alt=\"The sea\"><br><em>The sea</em>"),
        ("<Tweet id=\"20\"/>", "<a href=\"https://x.com/i/status/20\">x.com/i/status/20</a>"),
        ("<Badge text=\"beta\" type=\"tip\"/>", "beta"),
        ("<Link to=\"/a\">B</Link>", "<a href=\"/a\">B</a>"),
        ("<Card title=\"T\" href=\"/a\" />", "<a href=\"/a\">T</a>"),
        ("<Callout type=\"warning\" title=\"T\">\nA\n</Callout>\n", "> [!WARNING] T\n> A\n\n"),
        ("<Note>\n  A\n</Note>\n", "> [!NOTE]\n> A\n\n"),
        ("<Note>A</Note>", "A"),
        ("<Details summary=\"S\">\n\nA\n\n</Details>", "> [!DETAILS] S\n>\n> A\n>\n"),
        ("<Step title=\"T\">\nA\n</Step>", "<strong>T</strong><br>\nA\n"),
        ("<img :src=\"$withBase('/a.png')\" alt=\"A\">", "<img src=\"/a.png\" alt=\"A\">"),
    ] {
        assert_eq!(markdown_of(text, false), expected, "{text}");
    }
    let video = "<a href=\"https://www.youtube.com/watch?v=abc\"><img src=\"https://img.youtube.com/vi/abc/hqdefault.jpg\" alt=\"YouTube\"></a>";
    assert_eq!(markdown_of("<YouTube id=\"abc\" />", false), video);
    assert_eq!(markdown_of("<LiteYouTubeEmbed\n  id='abc'\n/>", true), format!("{video}\n\n"));
    assert_eq!(lost("<Chart data={a}/> <Toc/> <Foo>a</Foo>", false), ["the component `<Chart>`"]);
}

#[test]
fn what_is_no_component_stays() {
    for text in [
        "Plain List<Snow> and <CR> stay.",
        "Map<String, List<Foo>> a </Bar> <Your name>",
        "`<Tabs/>` and <!-- <Tabs/> -->",
        "```jsx\n<Tabs/>\nimport a from 'a'\n:::tip\n```\n",
        "a\n\n    <Tabs/>\n",
        "<https://example.org> <a@example.org>",
        "{{<LTS />}} {{<post-images>}}\n{{<post-image a=\"b\" >}}\n{{</post-images>}} {{<Foo",
        "<BR/> <A HREF=\"/a\">b</A>",
        "<video controls src=\"a.mp4\"></video>",
        "<div style=\"a\">\nb\n</div>",
        "{{< figure src=\"a.png\" >}} {a} {#b}",
        "## A {#id}",
    ] {
        let translated = translated(text, false);
        assert_eq!((translated.markdown.as_ref(), translated.lost), (text, Vec::new()), "{text}");
    }
}

#[test]
fn mdx_has_expressions() {
    for (text, expected) in [
        ("export const year = 2026;\n\nIn {year}.", "\n\nIn 2026."),
        ("a{' '}b {\"<*>\"} {`c`}", "a b &lt;\\*> c"),
        ("a {/* b\nc */} d", "a \n d"),
        ("{/* truncate */}", "<!--more-->"),
        ("## A {#id}", "## A {#id}"),
        ("\\{a} `{b}` $x_{1}$", "\\{a} `{b}` $x_{1}$"),
        ("<div className=\"a\">\n  **b**\n</div>", "\n**b**\n"),
        ("<>\na\n</>", "\na\n"),
        ("<p>\n  **a**\n</p>", "\n**a**\n"),
        ("<summary>**a** `b`</summary>", "<summary><strong>a</strong> <code>b</code></summary>"),
        ("<summary>\n  **a**\n</summary>", "<summary>\n<strong>a</strong>\n</summary>"),
        ("import sea from './sea.png'\n\n<img src={sea} style={{a: 1}} />", "\n\n<img src=\"./sea.png\">"),
        ("<iframe src=\"/a\" allowFullScreen />", "<iframe src=\"/a\" allowFullScreen></iframe>"),
        ("<a\n  href={'/a'}\n  className=\"b\">c</a>", "<a\nhref=\"/a\"\nclass=\"b\">c</a>"),
    ] {
        assert_eq!(markdown_of(text, true), expected, "{text}");
    }
    assert_eq!(markdown_of("a {b} {/* c */}", false), "a {b} ");
    assert_eq!(lost("a {b} {'c'} {} <img src={d}/>", true), ["an expression in braces", "the address of `<img>`"]);
}

#[test]
fn attributes_of_jsx_become_html() {
    for (text, expected) in [
        ("<img src=\"/sea.png\" style={{maxWidth: 80, margin: '0 auto'}} />", "<img src=\"/sea.png\">"),
        ("<img src={require('./a.png').default} alt='\"' />", "<img src=\"./a.png\" alt='\"'>"),
        ("<span className=\"a\" onClick={() => f('>')}>b</span>", "<span class=\"a\">b</span>"),
        ("<img\n  src=\"/a.png\"\n  width={80}\n/>", "\n<img\nsrc=\"/a.png\"\nwidth=\"80\">"),
    ] {
        assert_eq!(markdown_of(text, false), expected, "{text}");
    }
}

#[test]
fn inserted_files_vanish() {
    let text = "[[toc]]\n\n[[TOC]]\n\n@[code js](./a.js)\n\n<<< @/a.js#b{1}\n\n<!-- @include: ./a.md -->\n\n<!-- truncate -->\n";
    assert_eq!(markdown_of(text, false), "\n\n\n\n\n\n\n\n\n\n<!--more-->\n");
    assert_eq!(lost(text, false), ["a file of code", "a file of code", "another file"]);
    assert_eq!(
        markdown_of("```js{1,3} title=\"x\"\n```\n```ts:line-numbers\n```\n", false),
        "```js title=\"x\"\n```\n```ts\n```\n"
    );
    let vue = "<script setup>\nimport A from 'a'\n</script>\nA <style lang=\"scss\">\na\n</style>";
    assert_eq!(markdown_of(vue, false), "\n\n\nA \n\n");
}

#[test]
fn actions_of_go_leave_pictures() {
    let text = "{{image \"a.png\" 600}} {{video \"b.mp4\"}}\n{{code \"c.go\" `/a/`}}\n{{raw `\n<pre>\n{{a}}</pre>\n`}} {{.Title}} {{\" < \"}}\n";
    let expected = "<img src=\"a.png\" alt=\"\" width=\"600\"> <video src=\"b.mp4\"></video>\n\n\n<pre>\n{{a}}</pre>\n {{.Title}}  &lt; \n";
    assert_eq!((markdown_of(text, false).as_str(), lost(text, false).len()), (expected, 1));
}

#[test]
fn hostile_text_takes_linear_time() {
    for part in [
        "<A>", "<A b={", "</A>", "{", "{/*", "<A/>", "<A>\n", "<Note>\n", "{{", "import a\n\n", "<img src={",
        "<A b=\"\n", "{{raw `", "{{image ",
    ] {
        let text = part.repeat(1 << 16);
        for is_mdx in [false, true] {
            assert_eq!(translated(&text, is_mdx).markdown.matches('\n').count(), text.matches('\n').count());
        }
    }
}

proptest! {
    #[test]
    fn every_line_stays(text in "[-<>/{}:=\"'`A-Ca.#* \n\t潮]{0,120}", is_mdx: bool) {
        let translated = translated(&text, is_mdx);
        prop_assert_eq!(translated.markdown.matches('\n').count(), text.matches('\n').count());
        for lost in translated.lost {
            prop_assert!(text.get(lost.range).is_some());
        }
    }

    #[test]
    fn tags_in_any_order_keep_every_line(
        parts in proptest::collection::vec("(<A>|</A>|<B c=\\{d\\}>|</B>|<Note>|</Note>|<div>|</div>|\n|\n  |:::|:::tip|a|`|\\{b\\}|<Tab title=\"t\">|</Tab>)", 0..24),
        is_mdx: bool,
    ) {
        let text = parts.concat();
        prop_assert_eq!(translated(&text, is_mdx).markdown.matches('\n').count(), text.matches('\n').count());
    }
}
