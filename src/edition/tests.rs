use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::content::assemble::{Source, assemble};
use crate::content::front_matter::split;
use crate::content::markdown::Document;
use crate::content::names::Names;

const PROJECT: &str = "\
title: 灯笼周刊
base_url: https://lanterns.example.org
language: zh-CN
author: {name: Ada Ferris, url: /about/}
mail:
  from: 灯笼 <weekly@lanterns.example.org>
  reply_to: editors@lanterns.example.org
  list_id: 灯笼周刊 <weekly.lanterns.example.org>
  unsubscribe_mailto: leave@lanterns.example.org
  unsubscribe_url: https://news.example.org/leave?who={address}
";

const ISSUE: &str = "---\ntitle: 第一期 & more\ndate: 2026-11-20T09:00:00+08:00\ndescription: 五分钟\n---\n";

fn config() -> Config {
    Config::parse("slugline.yaml", PROJECT).unwrap()
}

fn issue(text: &str) -> Issue {
    let config = config();
    let source = Source::of_path("content/one.md", "one.md");
    assemble(
        source,
        &split("content/one.md", text.as_bytes()).unwrap(),
        &config.publication,
        &config.permalink,
        &mut Names::default(),
    )
    .issue
    .unwrap()
}

fn edition(issue: &Issue, markdown: &str, own: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Edition> {
    let config = config();
    Edition::prepare(
        &config.publication,
        config.mail.as_ref().map(|mail| &mail.edition),
        &Section { issue, cover: None, body: Document::parse(markdown) },
        &Files { template: &|name| Ok(own(name)), ..NO_FILES },
    )
}

fn reader(address: &str, name: &str) -> Recipient {
    Recipient { name: name.to_owned(), ..Recipient::of_address(address.parse().unwrap()) }
}

fn message_of(edition: &Edition, recipient: &Recipient, date: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
    edition.message(recipient, date)
}

fn date() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_140_000, 0).unwrap()
}

fn plain(name: &str) -> Option<String> {
    Some(if name == template::ISSUE.text { "{{ body }}".to_owned() } else { "<p>{{ issue.title }}</p>\n".to_owned() })
}

#[test]
fn a_message_holds_every_header_and_both_parts() {
    let edition = edition(&issue(ISSUE), "Hello\n", &plain).unwrap();
    let message =
        String::from_utf8(message_of(&edition, &reader("mei@example.com", "梅, 小"), date()).unwrap()).unwrap();
    let expected = "\
From: =?utf-8?b?54Gv56y8?= <weekly@lanterns.example.org>
To: =?utf-8?b?5qKFLCDlsI8=?= <mei@example.com>
Reply-To: editors@lanterns.example.org
Subject: =?utf-8?b?56ys5LiA5pyf?= & more
Date: Fri, 20 Nov 2026 02:00:00 +0000
Message-ID: <cc0104ad2d59ef5b.d68799a33da0f22c4927c41bee61840b@lanterns.example.org>
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary=\"=_2df6116b4b1897554c82fcae02bf0250\"
List-Unsubscribe: <https://news.example.org/leave?who=mei%40example.com>,
 <mailto:leave@lanterns.example.org?subject=unsubscribe>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
List-Id: =?utf-8?b?54Gv56y85ZGo5YiK?= <weekly.lanterns.example.org>
Archived-At: <https://lanterns.example.org/one/>
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: OOF, AutoReply
Precedence: bulk
Content-Language: zh-CN

--=_2df6116b4b1897554c82fcae02bf0250
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: 7bit

Hello

--=_2df6116b4b1897554c82fcae02bf0250
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<html><head></head><body><p>=E7=AC=AC=E4=B8=80=E6=9C=9F &amp; more</p>
</body></html>
--=_2df6116b4b1897554c82fcae02bf0250--
";
    assert_eq!(message.replace("\r\n", "\n"), expected);
}

#[test]
fn an_independent_parser_reads_what_was_meant() {
    let edition = edition(&issue(ISSUE), "达到**700+**。\n\n- 一\n", &|_| None).unwrap();
    let bytes = message_of(&edition, &reader("mei@example.com", "梅"), date()).unwrap();
    let message = MessageParser::default().parse(&bytes).unwrap();
    let mailbox = |address: Option<&mail_parser::Address<'_>>| {
        let first = address.unwrap().first().unwrap();
        (first.name().unwrap().to_owned(), first.address().unwrap().to_owned())
    };
    assert_eq!(message.subject(), Some("第一期 & more"));
    assert_eq!(mailbox(message.from()), ("灯笼".to_owned(), "weekly@lanterns.example.org".to_owned()));
    assert_eq!(mailbox(message.to()), ("梅".to_owned(), "mei@example.com".to_owned()));
    assert_eq!(message.date().unwrap().to_timestamp(), date().timestamp());
    assert_eq!((message.text_body_count(), message.html_body_count(), message.attachment_count()), (1, 1, 0));
    assert_eq!(message.parts[1].content_type().unwrap().subtype(), Some("plain"));
    assert_eq!(
        message.body_html(0).unwrap(),
        edition.html(&reader("mei@example.com", "")).unwrap().replace('\n', "\r\n")
    );
}

#[test]
fn the_whole_text_reads_well() {
    let edition = edition(&issue(ISSUE), "# 灯笼\n\n见[网站](/x/)。\n", &|_| None).unwrap();
    let expected = "\
灯笼周刊 · 2026年11月20日
Ada Ferris

第一期 & more
=============

灯笼
====

见网站 [1]。

[1] https://lanterns.example.org/x/

* * *

在浏览器中查看：
https://lanterns.example.org/one/

你收到这封邮件，是因为你订阅了《灯笼周刊》。
退订：https://news.example.org/leave?who=mei%40example.com

这封邮件是别人转发给你的？
订阅《灯笼周刊》：https://lanterns.example.org/
";
    assert_eq!(edition.text(&reader("mei@example.com", "梅")).unwrap(), expected);
}

#[test]
fn every_attempt_has_the_same_bytes_and_every_recipient_another_id() {
    let edition = edition(&issue(ISSUE), "Hello\n", &|_| None).unwrap();
    let (mei, jun) = (reader("mei@example.com", ""), reader("jun@example.com", ""));
    assert_eq!(message_of(&edition, &mei, date()).unwrap(), message_of(&edition, &mei, date()).unwrap());
    let id = |recipient| {
        let bytes = message_of(&edition, recipient, date()).unwrap();
        MessageParser::default().parse(&bytes).unwrap().message_id().unwrap().to_owned()
    };
    assert_ne!(id(&mei), id(&jun));
    assert_eq!(id(&mei), id(&reader("MEI@example.com", "Mei")));
}

#[test]
fn a_test_is_marked_and_to_mail_programs_another_message_each_time() {
    let [short, long] = ["Hello\n", "Hello again\n"].map(|text| edition(&issue(ISSUE), text, &|_| None).unwrap());
    let mei = reader("mei@example.com", "Mei");
    let later = date() + chrono::TimeDelta::nanoseconds(1);
    let mailed = message_of(&short, &mei, date()).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for message in [
        mailed.clone(),
        short.test_message(&mei, date()).unwrap(),
        short.test_message(&mei, later).unwrap(),
        long.test_message(&mei, date()).unwrap(),
        short.test_message(&reader("jun@example.com", "Mei"), date()).unwrap(),
    ] {
        let parsed = MessageParser::default().parse(&message).unwrap();
        assert_eq!(parsed.subject(), Some(if message == mailed { "第一期 & more" } else { "[test] 第一期 & more" }));
        assert!(ids.insert(parsed.message_id().unwrap().to_owned()));
    }
    let again = short.test_message(&mei, date()).unwrap();
    assert_eq!(again, short.test_message(&mei, date()).unwrap(), "the same at the same time");
}

#[test]
fn a_template_that_greets_its_reader_is_filled_in_for_each() {
    let own = |name: &str| {
        (name == template::ISSUE.text).then(|| "{{ subscriber.name }}, {{ subscriber.attributes.city }}".to_owned())
    };
    let edition = edition(&issue(ISSUE), "", &own).unwrap();
    let mut mei = reader("mei@example.com", "Mei");
    mei.attributes.insert("city".to_owned(), "Hangzhou".into());
    assert_eq!(edition.text(&mei).unwrap(), "Mei, Hangzhou\n");
    let error = edition.text(&reader("jun@example.com", "Jun")).unwrap_err().downcast::<Finding>().unwrap();
    assert_eq!(error.message, "`subscriber.attributes` has no `city`");
}

#[test]
fn the_link_to_leave_is_the_readers_own() {
    let edition = edition(&issue(ISSUE), "", &|_| None).unwrap();
    for address in ["mei@example.com", "jun@example.com"] {
        let link = format!("https://news.example.org/leave?who={}", address.replace('@', "%40"));
        assert!(edition.html(&reader(address, "")).unwrap().contains(&format!("<a href=\"{link}\"")), "{address}");
    }
}

/// The text and the ISSUE.html of a message, as an independent parser decodes them.
fn parts_of(edition: &Edition, recipient: &Recipient) -> [String; 2] {
    let bytes = message_of(edition, recipient, date()).unwrap();
    let message = MessageParser::default().parse(&bytes).unwrap();
    [message.body_text(0).unwrap(), message.body_html(0).unwrap()].map(|part| part.replace("\r\n", "\n"))
}

/// Templates that show all there is of a recipient, in every place where a value may stand.
fn personal(name: &str) -> Option<String> {
    let subscriber = "{{ subscriber.name | default('reader', true) }}, {{ subscriber.attributes.city | default('') }}";
    Some(match name {
        "edition.html" => format!(
            "<html><head><style>p {{ color: red }}</style></head><body><p title=\"{{{{ subscriber.name }}}}\">{subscriber}\
             {{% for n in [1, 2] %}}<a href=\"https://example.org/?c={{{{ subscriber.attributes.city | default('') | urlencode }}}}\">\
             {{{{ subscriber.name | upper }}}}</a>{{% endfor %}}{{{{ body }}}}{{% if unsubscribe %}}<a href=\"{{{{ unsubscribe.link }}}}\">\
             x</a>{{% endif %}}</p></body></html>"
        ),
        "edition.txt" => {
            format!("{subscriber}!\n\n{{{{ body }}}}\n> {{{{ subscriber.name }}}}\n{{{{ unsubscribe.link }}}}\n")
        }
        _ => return None,
    })
}

/// The same, rendered for each recipient.
fn unshared(edition: Edition) -> Edition {
    Edition { renderer: edition.renderer.unshared(), ..edition }
}

proptest! {
    #[test]
    fn values_put_into_encoded_parts_are_those_of_rendered_ones(
        words in "[a-z ]{0,200}|[a-zé ]{0,300}|[一-龥]{0,300}",
        name in "\\PC{0,40}|(\\PC|[\\r\\n<>&'\"/]){0,40}|[a-zA-Z ]{1,20}|x{400}",
        city in "\\PC{0,20}|> a|From b|[A-Z][a-z]{2,8}",
        local in "[a-z]{1,20}(\\+[a-z&]{1,30})?",
    ) {
        let shared = edition(&issue(ISSUE), &words, &personal).unwrap();
        prop_assert!(shared.renderer.is_shared());
        let unshared = unshared(edition(&issue(ISSUE), &words, &personal).unwrap());
        let mut recipient = reader(&format!("{local}@example.com"), &name);
        recipient.attributes.insert("city".to_owned(), city.into());
        let [text, html] = parts_of(&shared, &recipient);
        let [expected_text, expected_html] = parts_of(&unshared, &recipient);
        prop_assert_eq!(text, expected_text);
        // Quotes in text may be written in two ways: what is compared is what a mail program reads.
        prop_assert_eq!(inline::inline(&html).unwrap(), inline::inline(&expected_html).unwrap());
    }
}

#[test]
fn a_template_that_changes_what_is_the_readers_own_still_shows_it() {
    for (template, shared, expected) in [
        ("{{ unsubscribe.link | upper }}", true, "HTTPS://NEWS.EXAMPLE.ORG/LEAVE?WHO=MEI%40EXAMPLE.COM\n"),
        ("{% if subscriber.name %}Dear {{ subscriber.name }}{% else %}Dear reader{% endif %}", false, "Dear Mei\n"),
        ("{% set name = subscriber.name %}{{ name | length }}", false, "3\n"),
    ] {
        let own = |name: &str| (name == template::ISSUE.text).then(|| template.to_owned());
        let edition = edition(&issue(ISSUE), "", &own).unwrap();
        assert_eq!(edition.renderer.is_shared(), shared, "{template}");
        assert_eq!(edition.text(&reader("mei@example.com", "Mei")).unwrap(), expected);
    }
}

#[test]
fn a_subject_may_name_its_reader() {
    let mut config = config();
    let mail = &mut config.mail.as_mut().unwrap().edition;
    mail.subject = "{{ subscriber.name | default('Reader', true) }}: {{ issue.title }}".to_owned();
    let section = Section { issue: &issue(ISSUE), cover: None, body: Document::parse("a\n") };
    let mail = config.mail.as_ref().map(|mail| &mail.edition);
    let edition = Edition::prepare(&config.publication, mail, &section, &NO_FILES).unwrap();
    for (name, expected) in [
        ("Mei", "Mei: 第一期 & more"),
        ("", "Reader: 第一期 & more"),
        ("a\r\nBcc: b@c.org", "a Bcc: b@c.org: 第一期 & more"),
    ] {
        let bytes = message_of(&edition, &reader("mei@example.com", name), date()).unwrap();
        assert_eq!(MessageParser::default().parse(&bytes).unwrap().subject(), Some(expected));
    }
}

#[test]
fn the_issue_decides_its_subject() {
    let plain = edition(&issue(ISSUE), "a\n", &|_| None).unwrap();
    let own = issue(&ISSUE.replace("date:", "subject: \"{{ mine }}\"\ndate:"));
    let subject = edition(&own, "a\n", &|_| None).unwrap();
    let mei = reader("mei@example.com", "Mei");
    assert_eq!((&*plain.subject(&mei).unwrap(), &*subject.subject(&mei).unwrap()), ("第一期 & more", "{{ mine }}"));
}

#[test]
fn without_mail_an_edition_can_be_read_and_not_sent() {
    let config = config();
    let section = Section { issue: &issue(ISSUE), cover: None, body: Document::parse("a\n") };
    let edition = Edition::prepare(&config.publication, None, &section, &NO_FILES).unwrap();
    assert!(edition.text(&reader("mei@example.com", "")).unwrap().contains("第一期"));
    let error = message_of(&edition, &reader("mei@example.com", ""), date()).unwrap_err();
    assert_eq!(error.downcast::<Finding>().unwrap().rule, "no-mail");
}

/// RFC 3676 section 4: joins the lines that go on, and takes the stuffed space away.
fn unflowed(text: &str, delsp: bool) -> String {
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match line.strip_suffix(' ') {
            Some(rest) => joined.push_str(if delsp { rest } else { line }),
            None => {
                joined.push_str(line);
                joined.push('\n');
            }
        }
    }
    joined
}

proptest! {
    #[test]
    fn whatever_is_written_arrives_as_ascii_and_reads_the_same(
        subject in "\\PC{1,120}|(\\PC|[\\r\\n\\t=?:]){1,300}|[a-z]{1,1200}",
        name in "\\PC{0,60}|(\\PC|[\\r\\n\",<>@=?]){0,120}",
        words in "[a-z一-十，。🎈 ]{0,400}",
    ) {
        let mut issue = issue(ISSUE);
        issue.subject = Some(format!("S {subject}"));
        let own = |name: &str| (name == template::ISSUE.text).then(|| "{{ body }}".to_owned());
        let edition = edition(&issue, &format!("x{words}x"), &own).unwrap();
        let bytes = message_of(&edition, &reader("mei@example.com", &name), date()).unwrap();
        prop_assert!(bytes.is_ascii());
        let text = std::str::from_utf8(&bytes).unwrap();
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let fields = head.split("\r\n").filter(|line| !line.starts_with(' ')).count();
        prop_assert_eq!(fields, 16);
        prop_assert!(head.split("\r\n").all(|line| !line.contains("=?utf-8?") || line.len() <= 76));

        let message = MessageParser::default().parse(&bytes).unwrap();
        let shown = edition.subject(&reader("mei@example.com", &name)).unwrap();
        prop_assert_eq!(message.subject().unwrap_or_default(), &*shown);
        prop_assert_eq!(shown, header::one_line(&format!("S {subject}")));
        let to = message.to().unwrap().first().unwrap();
        prop_assert_eq!(to.name().unwrap_or_default(), header::one_line(&name));
        prop_assert_eq!(to.address(), Some("mei@example.com"));
        let body = message.body_text(0).unwrap();
        let read = unflowed(&body, text.contains("delsp=yes"));
        let expected = words.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let read = read.trim_end().split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(read.replace(' ', ""), format!("x{expected}x").replace(' ', ""));
    }
}

#[test]
fn a_paragraph_in_another_direction_is_aligned_to_its_own_side() {
    let edition =
        edition(&issue(ISSUE), "潮汐\n\nשלום עולם.\n\n<p dir=\"rtl\">مرحبا</p>\n\n> שלום\n", &|_| None).unwrap();
    let html = edition.html(&reader("mei@example.com", "")).unwrap();
    for part in [
        "<p style=\"margin:0 0 16px\">潮汐</p>",
        "<p dir=\"rtl\" style=\"margin:0 0 16px;text-align:right\">שלום עולם.</p>",
        "<p dir=\"rtl\" style=\"margin:0 0 16px;text-align:right\">مرحبا</p>",
        "padding-left:0;border-left:0;padding-right:16px;border-right:4px solid #c9d1d9",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("[dir="), "{html}");
}
