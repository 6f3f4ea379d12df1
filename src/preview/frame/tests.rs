use super::*;

fn hidden(_: &str) -> Option<String> {
    Some("data:,".to_owned())
}

#[test]
fn style_sheets_and_media_attributes_are_resolved_and_text_is_not() {
    let html = "<html><head><style>@media (prefers-color-scheme:dark){p{color:red}}</style></head><body>\
        <p>(prefers-color-scheme: dark)</p><picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"a.png\">\
        </picture></body></html>";
    let output = document(html, Scheme::Dark, &hidden);
    assert!(output.contains("<style>@media (min-width:0){p{color:red}}</style><base"), "{output}");
    assert!(output.contains("<p>(prefers-color-scheme: dark)</p>"), "{output}");
    assert!(output.contains("<source media=\"(min-width:0)\""), "{output}");
    assert!(output.contains(":root{color-scheme:dark only!important}"), "{output}");
}

#[test]
fn pictures_are_replaced_where_they_are_the_source() {
    let html = "<img alt=\"https://e.org/a.png\" src=\"https://e.org/a.png\"><IMG SRC=https://e.org/b.png?a&amp;b>\
        <img src=\"data:x\"><a href=\"https://e.org/a.png\">a</a>";
    let output = document(html, Scheme::Light, &|address| Some(format!("data:,{}", &address[14..])));
    assert!(
        output.starts_with(
            "<img alt=\"https://e.org/a.png\" src=\"data:,a.png\"><IMG SRC=data:,b.png?a&amp;b><img src=\"data:x\">\
             <a href=\"https://e.org/a.png\">a</a><base"
        ),
        "{output}"
    );
    let unchanged = document(html, Scheme::Light, &|_| None);
    assert!(unchanged.starts_with(html), "{unchanged}");
}

#[test]
fn an_entry_shows_its_title_as_text() {
    let entry = EntryView {
        title: "a < b".to_owned(),
        date: None,
        authors: vec!["Maren & co".to_owned()],
        terms: Vec::new(),
        language: "en".to_owned(),
        permalink: "https://example.org/a/".to_owned(),
        cover: None,
        html: "<p>Text</p>".to_owned(),
    };
    let html = super::entry(&entry, Scheme::Light, &hidden);
    assert!(html.contains("<h1><a href=\"https://example.org/a/\">a &lt; b</a></h1>"), "{html}");
    assert!(html.contains("<span>no date</span> <span>Maren &amp; co</span>"), "{html}");
}
