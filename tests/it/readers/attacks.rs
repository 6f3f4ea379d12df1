//! What has been tried on other programs of this kind, each with what comes of it here. Bombing is in `bombing`, enumeration in
//! `states`, slow and large requests are in `serve`.

use slugline::parts::Status;

use super::*;

/// A reader who is subscribed, with the links of all purposes: confirm (used), block, leave, return.
fn reader(newsroom: &mut Newsroom) -> [String; 4] {
    newsroom.serve_at(NOON);
    newsroom.post("/subscribe", &[("email", "ada@example.org"), ("name", "{{ 7 * 7 }}{% raw %}<b>")]);
    let [confirm, block] = links(&newsroom.mail_to("ada@example.org")[0]).try_into().unwrap();
    newsroom.post(&confirm, &[]).is(200, "You are subscribed");
    newsroom.send("neap");
    let leave = one_click_path(newsroom.mail_to("ada@example.org").last().unwrap());
    let left = newsroom.post(&leave, &[("from", "page")]);
    let undo = format!("/return/{}", left.body.split("/return/").nth(1).unwrap().split('"').next().unwrap());
    newsroom.post(&undo, &[]).is(200, "You are subscribed");
    newsroom.settle();
    [confirm, block, leave, undo]
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

#[test]
fn a_token_is_good_for_its_purpose_and_a_number_for_nothing() {
    in_both_stores("readers_tokens", |newsroom| {
        let [confirm, block, leave, undo] = reader(newsroom);
        let before = newsroom.rows();
        for page in ["/confirm/", "/leave/", "/return/"] {
            let own = [&confirm, &block, &leave, &undo].map(String::as_str);
            for token in own.iter().filter(|link| !link.starts_with(page)).map(|link| last(link)) {
                newsroom.get(&format!("{page}{token}")).is(404, "");
                newsroom.post(&format!("{page}{token}"), &[("from", "page")]);
            }
            for token in ["1", "ada@example.org", "YWRhQGV4YW1wbGUub3Jn", "00000000-0000-4000-8000-000000000001"] {
                newsroom.get(&format!("{page}{token}")).is(404, "");
                newsroom.post(&format!("{page}{token}"), &[("from", "page")]);
            }
        }
        newsroom.settle();
        assert_eq!(newsroom.rows(), before);
    });
}

#[test]
fn a_link_that_was_used_does_not_bring_back_who_left() {
    in_both_stores("readers_replay", |newsroom| {
        let [confirm, block, leave, _] = reader(newsroom);
        newsroom.post(&leave, &[]).is(200, "unsubscribed");
        for link in [confirm, block] {
            newsroom.post(&link, &[]).is(404, "no longer valid");
        }
        assert_eq!(newsroom.status("ada@example.org"), Some(Status::Unsubscribed));
    });
}

#[test]
fn a_form_sets_nothing_but_its_fields() {
    in_both_stores("readers_fields", |newsroom| {
        newsroom.serve_at(NOON);
        let fields = [
            ("email", "eve@example.org"),
            ("status", "active"),
            ("confirmed", "true"),
            ("id", "1"),
            ("subscriber", "1"),
            ("attributes[vip]", "yes"),
            ("requested", "2020-01-01T00:00:00Z"),
            ("ip", "192.0.2.66"),
            ("wording", "anything you like"),
        ];
        newsroom.post("/subscribe", &fields).is(200, "Check your inbox");
        newsroom.settle();
        assert_eq!(newsroom.status("eve@example.org"), None);
        let rows = newsroom.rows();
        for word in ["vip", "2020-01-01", "192.0.2.66", "anything you like"] {
            assert!(!rows.contains(word), "{word}: {rows}");
        }
    });
}

#[test]
fn no_page_has_a_cookie_a_script_or_a_word_of_the_visitor() {
    let newsroom = &mut Newsroom::new("sqlite:slugline.db", None);
    newsroom.serve_at(NOON);
    let evil = "\"><script>alert(1)</script>{{ 7 * 7777 }}";
    let fields =
        [("email", evil), ("name", evil), ("language", evil), ("return", evil), ("step", evil), ("made", evil)];
    let query = encoded(&fields);
    let answers = [
        newsroom.post("/subscribe", &fields),
        newsroom.post("/subscribe", &[("email", "a@example.org"), ("name", evil), ("return", evil), ("website", evil)]),
        newsroom.post("/link", &fields),
        newsroom.get(&format!("/subscribe?{query}")),
        newsroom.get(&format!("/link?{query}")),
        newsroom.get("/confirm/%22%3E%3Cscript%3E"),
        newsroom.get("/leave/\"><script>"),
        newsroom.post("/leave/%22%3E%3Cscript%3E", &[("from", "page")]),
        newsroom.get("/%3Cscript%3Ealert(1)%3C/script%3E"),
        newsroom.get("/admin"),
        newsroom.ask("GET", "/api/subscribers", &[("Cookie", "session=1"), ("Authorization", "Basic YTph")], ""),
    ];
    for answer in answers {
        let text = answer.body.to_lowercase();
        // What was typed is in the form again, escaped.
        assert!(!text.contains("<script") && !text.contains("54439"), "{answer:?}");
        for field in [
            "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "x-robots-tag: noindex",
        ] {
            assert!(answer.status == 400 || answer.head.contains(field), "{field}: {answer:?}");
        }
        assert!(!answer.head.contains("set-cookie") && !answer.head.contains("location"), "{answer:?}");
    }
}

#[test]
fn a_name_is_data_in_every_page_and_mail() {
    let newsroom = &mut Newsroom::new("sqlite:slugline.db", None);
    newsroom.write("templates/edition.txt", "Dear {{ subscriber.name }},\n{{ body }}\n{{ unsubscribe.link }}\n");
    let [_, _, leave, _] = reader(newsroom);
    let page = newsroom.get(&leave);
    assert!(!page.body.contains("49") || !page.body.contains("7 * 7"), "{page:?}");
    let mail = newsroom.mail_to("ada@example.org");
    let texts: Vec<String> = mail
        .iter()
        .map(|mail| MessageParser::default().parse(&mail.content).unwrap().body_text(0).unwrap().into_owned())
        .collect();
    assert!(!texts[0].contains("7 * 7") && !texts[0].contains("49"), "{}", texts[0]);
    assert!(texts.iter().any(|text| text.starts_with("Dear {{ 7 * 7 }}{% raw %}<b>,")), "{texts:?}");
}

#[test]
fn no_header_field_gets_into_a_mail_and_no_mail_answers_another() {
    in_both_stores("readers_header", |newsroom| {
        newsroom.serve_at(NOON);
        for email in [
            "a@example.org\r\nBcc: b@example.org",
            "a@example.org,b@example.org",
            "a@example.org b@example.org",
            "<a@example.org>\n",
            "a@b@example.org",
            "\"a\\\r\n\"@example.org",
        ] {
            newsroom.post("/subscribe", &[("email", email)]).is(422, "This is not a valid email address");
            newsroom.post("/link", &[("email", email)]).is(422, "This is not a valid email address");
        }
        let form =
            [("email", "a@example.org"), ("name", "x\r\nBcc: b@example.org"), ("language", "en\r\nBcc: c@example.org")];
        newsroom.post("/subscribe", &form).is(200, "Check your inbox");
        let mail = newsroom.mail_to("a@example.org");
        assert_eq!((mail.len(), newsroom.peer.count()), (1, 1));
        let head = mail[0].content.split("\r\n\r\n").next().unwrap();
        assert!(!mail[0].content.contains("Bcc"), "{head}");
        assert!(head.contains("\r\nAuto-Submitted: auto-generated\r\n"), "RFC 3834: {head}");
    });
}

#[test]
fn a_foreign_host_is_refused_and_is_in_no_link() {
    let newsroom = &mut Newsroom::new("sqlite:slugline.db", None);
    newsroom.serve_at(NOON);
    let body = encoded(&[("email", "a@example.org")]);
    for host in [
        "evil.example",
        "news.tides.example.org.evil.example",
        "news.tides.example.org:8080",
        "x@news.tides.example.org",
    ] {
        let answer = newsroom.ask("POST", "/subscribe", &[FORM, ("Host", host)], &body);
        assert!(matches!(answer.status, 400 | 421), "{host}: {answer:?}");
    }
    let absolute = newsroom.ask("POST", "http://evil.example/subscribe", &[FORM], &body);
    assert_eq!(absolute.status, 421, "{absolute:?}");
    let claims = [
        FORM,
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example"),
        ("X-Original-URL", "/leave/1"),
    ];
    let answer = newsroom.ask("POST", "/subscribe", &claims, &body);
    answer.is(200, "Check your inbox");
    let mail = newsroom.mail_to("a@example.org");
    assert!(mail.len() == 1 && !mail[0].content.contains("evil") && !answer.body.contains("evil"));
    assert_eq!(links(&mail[0]).len(), 2);
}

#[test]
fn a_form_leads_only_to_pages_that_the_project_names() {
    let newsroom = &mut Newsroom::new("sqlite:slugline.db", None);
    newsroom.serve_at(NOON);
    let ask = |page: &str, number: usize| {
        let from = format!("198.51.{number}.1");
        let fields = encoded(&[("email", &format!("a{number}@example.org")), ("return", page)]);
        newsroom.ask("POST", "/subscribe", &[FORM, ("X-Forwarded-For", &from)], &fields)
    };
    let answer = ask("https://tides.example.org/thanks/", 0);
    assert!(answer.status == 303 && answer.head.contains("location: https://tides.example.org/thanks/"), "{answer:?}");
    let others = [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https://tides.example.org/thanks/@evil.example",
        "https://tides.example.org/thanks/?next=https://evil.example",
        "https://tides.example.org/other/",
        "javascript:alert(1)",
        "data:text/html,evil",
        "https://tides.example.org/thanks/\r\nLocation: https://evil.example",
    ];
    for (number, page) in (1..).zip(others) {
        let answer = ask(page, number);
        assert!(answer.status == 200 && !answer.head.contains("location"), "{page}: {answer:?}");
        assert!(!answer.body.contains("evil"), "{page}: {answer:?}");
    }
}

#[test]
fn an_address_of_lookalike_letters_is_kept_in_ascii() {
    let newsroom = &mut Newsroom::new("sqlite:slugline.db", None);
    newsroom.serve_at(NOON);
    // The second letter of the domain is Cyrillic.
    newsroom.post("/subscribe", &[("email", "a@t\u{0456}des.example")]).is(200, "Check your inbox");
    newsroom.settle();
    let to: Vec<String> = newsroom.peer.taken().into_iter().map(|taken| taken.to).collect();
    assert_eq!(to, ["a@xn--tdes-l9d.example"]);
}
