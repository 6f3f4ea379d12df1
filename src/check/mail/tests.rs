use super::*;
use crate::finding::Finding;

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

fn of_sender(sender: &Sender<'_>) -> Vec<&'static str> {
    rules(&project(sender, "slugline.yaml", "mail: {}\n"))
}

#[test]
fn senders_are_checked_for_what_providers_require() {
    let none = Vec::<&str>::new();
    let whole = || Sender {
        domain: "news.example.org",
        unsubscribe_url: Some("https://example.org/leave/{token}"),
        has_list_id: true,
        has_postal_address: true,
        ..Sender::default()
    };
    assert_eq!(of_sender(&whole()), none);
    assert_eq!(
        of_sender(&Sender { domain: "example.org", ..Sender::default() }),
        ["unsubscribe-recommended", "list-id-missing"]
    );
    let of_all = Sender { unsubscribe_url: Some("https://example.org/leave"), ..whole() };
    assert_eq!(of_sender(&of_all), ["one-click-missing"]);
    let with_address = Sender { unsubscribe_url: Some("https://example.org/leave/{address}"), ..whole() };
    assert_eq!(of_sender(&with_address), ["unsubscribe-address"]);
    let leave_page = Some("https://example.org/leave/{token}");
    assert_eq!(of_sender(&Sender { leave_page, ..whole() }), none);
    let elsewhere = Sender { unsubscribe_url: Some("https://example.com/leave/{token}"), leave_page, ..whole() };
    assert_eq!(of_sender(&elsewhere), ["unsubscribe-elsewhere"]);
    let by_provider = Sender { unsubscribe_url: None, unsubscribe_by_provider: true, leave_page, ..whole() };
    assert_eq!(of_sender(&by_provider), ["unsubscribe-elsewhere"]);
    let by_mail = Sender { unsubscribe_url: None, unsubscribe_mailto: Some("leave@example.org"), ..whole() };
    assert_eq!(of_sender(&by_mail), ["one-click-missing"]);
    let smtp = |sender| Sender { server: Some("mail.example.org"), ..sender };
    let nowhere = || smtp(Sender { unsubscribe_url: None, ..whole() });
    assert_eq!(of_sender(&nowhere()), ["unsubscribe-missing"]);
    assert_eq!(of_sender(&Sender { unsubscribe_by_provider: true, ..nowhere() }), none);
    assert_eq!(of_sender(&Sender { has_postal_address: false, ..smtp(whole()) }), ["postal-address-missing"]);
    for (domain, expected) in [("example.org", none.clone()), ("ample.org", vec!["dkim-unaligned"])] {
        assert_eq!(of_sender(&Sender { signs_for: vec![domain], ..whole() }), expected, "{domain}");
    }
    for (server, expected) in
        [("mail.example.org", vec!["from-freemail"]), ("smtp.gmail.com", none.clone()), ("smtp-relay.google.com", none)]
    {
        assert_eq!(of_sender(&Sender { domain: "gmail.com", server: Some(server), ..whole() }), expected, "{server}");
    }
}

/// What is found of an edition whose page holds this.
fn of_page(body: &str, text: &str, unsubscribe: Option<&str>) -> Vec<&'static str> {
    let html = format!("<html lang=\"en\"><head><style>a</style></head><body>{body}</body></html>");
    rules(&edition("a.md", &RenderedEdition { html: &html, styles: "", text, unsubscribe }))
}

#[test]
fn editions_are_checked_for_what_mail_programs_drop() {
    let none = Vec::<&str>::new();
    assert_eq!(of_page("<p>a</p><a href=\"#n\">b</a><img src=\"cid:a@b\">", "a", None), ["mail-pictures"]);
    assert_eq!(of_page("<video src=\"https://e.org/a\"></video>", "", None), ["mail-tag"]);
    assert_eq!(of_page("<p style=\"color: red; display : FLEX\">a</p>", "", None), ["mail-style"]);
    assert_eq!(of_page("<a href=\"/about/\">a</a>", "", None), ["mail-link-relative"]);
    let unsubscribe = Some("https://e.org/?a=1&b=2");
    let link = "<a href=\"https://e.org/?a=1&amp;b=2\">x</a>";
    assert_eq!(of_page(link, "x https://e.org/?a=1&b=2", unsubscribe), none);
    assert_eq!(of_page(link, "x", unsubscribe), ["mail-unsubscribe"]);
    assert_eq!(of_page("a", "a https://e.org/?a=1&b=2", unsubscribe), ["mail-unsubscribe"]);
    let rendered = RenderedEdition { html: "<html><body>a</body></html>", styles: "", text: "a", unsubscribe: None };
    assert_eq!(rules(&edition("a.md", &rendered)), ["mail-language"]);
}

#[test]
fn the_text_must_contain_the_words_of_the_html() {
    let words: Vec<String> = (0..40).map(|number| format!("word{number}")).collect();
    let outlook = format!("<!--[if mso]><p>{}</p><![endif]-->", words.join("y "));
    let page = format!("<p style=\"display: none\">{}</p>{outlook}<p>{}</p>", words.join("x "), words.join(" "));
    assert_eq!(of_page(&page, &words[..30].join("\n"), None), Vec::<&str>::new());
    assert_eq!(of_page(&page, &words[..20].join("\n"), None), ["mail-text"]);
    let chinese = "春江潮水连海平海上明月共潮生滟滟随波千万里何处春江无月明";
    assert_eq!(of_page(chinese, "春江潮水连海平，\n海上明月共潮生。\n滟滟随波千万里", None), Vec::<&str>::new());
    assert_eq!(of_page(chinese, "春江潮水", None), ["mail-text"]);
}

#[test]
fn styles_that_mail_programs_ignore_are_named() {
    let found = |styles: &str, body: &str| {
        let html = format!("<html lang=\"en\"><body>{body}</body></html>");
        let rendered = RenderedEdition { html: &html, styles, text: "", unsubscribe: None };
        edition("a.md", &rendered).into_iter().map(|finding| finding.message).collect::<Vec<_>>()
    };
    let red = "<p style=\"margin:0;color:red\">a</p>";
    for (styles, body, expected) in [
        (":root{--a: red} p { color: var(--a); border: var(--b, 0) }", red, None),
        ("p { color: var(--b) }", red, Some("`p` uses `--b`, which is not defined")),
        ("", "<p style=\"width:calc(100% - 1px)\">a</p>", Some("a `<p>` has `width: calc(100% - 1px)`")),
        ("p::first-letter { color: red }", "", Some("`p::first-letter` is ignored")),
        ("p { a { color: red } }", "", Some("rules nested in `p` are ignored")),
        ("@supports (a: b) { p { color: red } }", "", Some("`@supports` is ignored")),
        ("@media (width < 9px) { p { color: red } }", red, None),
        (
            ":root{--a:red} @media (prefers-color-scheme: dark) { :root { --a: blue } }",
            red,
            Some("`@media` cannot change `--a`: its values are inlined"),
        ),
        ("a:hover { color: red }", red, Some("`color` of `a:hover` has no effect without `!important`")),
        ("a:hover { color: red !important } u + .body { width: 9px }", red, None),
    ] {
        assert_eq!(found(styles, body), expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{styles}");
    }
}
