use super::*;

fn hidden(_: &str) -> Option<String> {
    Some("data:,".to_owned())
}

#[test]
fn style_sheets_and_media_attributes_are_settled_and_words_are_not() {
    let html = "<html><head><style>@media (prefers-color-scheme:dark){p{color:red}}</style></head><body>\
        <p>(prefers-color-scheme: dark)</p><picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"a.png\">\
        </picture></body></html>";
    let seen = document(html, Scheme::Dark, &hidden);
    assert!(seen.contains("<style>@media (min-width:0){p{color:red}}</style><base"), "{seen}");
    assert!(seen.contains("<p>(prefers-color-scheme: dark)</p>"), "{seen}");
    assert!(seen.contains("<source media=\"(min-width:0)\""), "{seen}");
    assert!(seen.contains(":root{color-scheme:dark only!important}"), "{seen}");
}

#[test]
fn pictures_are_replaced_where_they_are_the_source() {
    let html = "<img alt=\"https://e.org/a.png\" src=\"https://e.org/a.png\"><IMG SRC=https://e.org/b.png?a&amp;b>\
        <img src=\"data:x\"><a href=\"https://e.org/a.png\">a</a>";
    let seen = document(html, Scheme::Light, &|address| Some(format!("data:,{}", &address[14..])));
    assert!(
        seen.starts_with(
            "<img alt=\"https://e.org/a.png\" src=\"data:,a.png\"><IMG SRC=data:,b.png?a&amp;b><img src=\"data:x\">\
             <a href=\"https://e.org/a.png\">a</a><base"
        ),
        "{seen}"
    );
    let as_it_is = document(html, Scheme::Light, &|_| None);
    assert!(as_it_is.starts_with(html), "{as_it_is}");
}

#[test]
fn an_entry_shows_its_title_as_text() {
    let entry = Entry {
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
