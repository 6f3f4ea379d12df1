use super::*;
use crate::dkim::KeyFile;
use crate::feed::Format;
use crate::subscription::options::{OptionSource, Options};

fn parse(text: &str) -> Result<Config, Vec<Finding>> {
    Config::parse("slugline.yaml", text)
}

/// Every finding as `place: message (help)`.
fn findings(text: &str) -> Vec<String> {
    let line = |finding: Finding| {
        let place = finding.place.map(|place| place.to_string()).unwrap_or_default();
        format!("{place}: {} ({})", finding.message, finding.help.unwrap_or_default())
    };
    parse(text).map(|_| Vec::new()).unwrap_or_else(|findings| findings.into_iter().map(line).collect())
}

#[test]
fn the_smallest_file_gets_every_default() {
    let config = parse("title: Weekly\nbase_url: https://www.example.org/news\n").unwrap();
    assert_eq!(config.publication.base_url.as_str(), "https://www.example.org/news/");
    assert_eq!(config.publication.language, "en");
    assert_eq!(config.content, [PathBuf::from("content")]);
    assert_eq!(config.feeds.limit, 20);
    assert_eq!(config.feeds.formats[&Format::Rss], "feed.xml");
    assert_eq!(config.mail, None);
    assert_eq!(config.store, Location::Sqlite("slugline.db".into()));
}

#[test]
fn an_unknown_key_names_the_nearest_at_its_place() {
    assert_eq!(
        findings("title: T\nbase_url: https://e.org\nfeeds:\n  limit: 3\n  formts: {}\n"),
        ["slugline.yaml:5:3: unknown key `feeds.formts` (write `formats`)"]
    );
    assert_eq!(findings("titel: T\n"), ["slugline.yaml:1:1: unknown key `titel` (write `title`)"]);
}

#[test]
fn a_wrong_type_is_named_at_its_place() {
    assert_eq!(
        findings("title: T\nfeeds:\n  limit: many\n"),
        ["slugline.yaml:3:10: `feeds.limit`: `many` is not a whole number from 0 up (write a number such as 20)"]
    );
}

#[test]
fn every_wrong_value_is_reported() {
    let text =
        "base_url: www.example.org\ntimezone: Asia/Shangai\noutput: ../public\nmail:\n  from: Weekly\n  via: ftp://x\n";
    assert_eq!(
        findings(text),
        [
            "slugline.yaml: `title` is missing (add `title: My Weekly`)",
            "slugline.yaml:1:11: `base_url`: `www.example.org` is not the address of a website (write the whole address, \
             such as `https://www.example.org/`)",
            "slugline.yaml:2:11: `timezone`: there is no time zone `Asia/Shangai` (did you mean `Asia/Shanghai`?)",
            "slugline.yaml:3:9: `output`: `../public` is not below the project folder (write a relative path without `..`)",
            "slugline.yaml:5:9: `mail.from`: not a valid mailbox: it needs a name, an `@` and a domain (write `Name <name@example.org>`)",
            "slugline.yaml:6:8: `mail.via`: mail cannot leave this way: `ftp` is not a way to send mail (write `outbox`, \
             `smtp://host:587` or `smtps://host:465`; put the login into `user` and the password into SLUGLINE_SMTP_PASSWORD)",
        ]
    );
}

#[test]
fn a_key_that_signs_is_of_the_senders_domain_unless_it_says_otherwise() {
    let mail = "title: T\nbase_url: https://e.org\nmail:\n  from: W <w@weekly.example.org>\n";
    let keys = |dkim: &str| parse(&format!("{mail}  dkim: {dkim}\n")).unwrap().mail.unwrap().dkim;
    let key = |domain: &str| KeyFile { selector: "a1".to_owned(), domain: domain.to_owned(), key_file: "k.pem".into() };
    assert_eq!(keys("{selector: a1, key_file: k.pem}"), [key("weekly.example.org")]);
    let both = "[{selector: a1, key_file: k.pem}, {selector: a1, domain: 例え.jp, key_file: k.pem}]";
    assert_eq!(keys(both), [key("weekly.example.org"), key("xn--r8jz45g.jp")]);
    assert_eq!(keys("provider"), []);
    assert_eq!(
        findings(&format!("{mail}  dkim: [{{selector: a b, key_file: k}}]\n")),
        [
            "slugline.yaml:5:9: `mail.dkim.selector`: `a b` is not a valid selector (write the name below `_domainkey` in your DNS, such \
          as `autumn2026`)"
        ]
    );
}

#[test]
fn an_empty_file_misses_what_it_needs() {
    let expected = ["`title` is missing", "`base_url` is missing"];
    let messages: Vec<String> = parse("# nothing\n").unwrap_err().into_iter().map(|finding| finding.message).collect();
    assert_eq!(messages, expected);
}

#[test]
fn placeholders_parse() {
    assert_eq!(base_url::placeholder().host_str(), Some("placeholder.invalid"));
    assert_eq!(placeholder_mailbox().address.local_part(), "placeholder");
}

#[test]
fn how_far_commands_leave_ahead_is_said_once_or_for_a_server() {
    use crate::smtp::relay::Pipelining::{Auto, Envelope, Off};
    let of = |mail: &str| {
        let text = format!("title: T\nbase_url: https://e.org\nmail:\n  from: t@e.org\n{mail}");
        let crate::config::Via::Smtp(servers) = parse(&text).unwrap().mail.unwrap().via else { panic!("{text}") };
        servers.iter().map(|server| server.pipelining).collect::<Vec<_>>()
    };
    assert_eq!(of("  via: smtp://a.e.org\n"), [Auto]);
    assert_eq!(of("  via: smtp://a.e.org\n  pipelining: off\n"), [Off]);
    let several = "  via: [smtp://a.e.org, {url: smtp://b.e.org, pipelining: auto}]\n  pipelining: envelope\n";
    assert_eq!(of(several), [Envelope, Auto]);
    let problems = findings("title: T\nbase_url: https://e.org\nmail:\n  from: t@e.org\n  pipelining: sometimes\n");
    assert_eq!(
        problems,
        ["slugline.yaml:5:15: `mail.pipelining`: there is no `sometimes` (write `auto`, `envelope`, `off`)"]
    );
}

#[test]
fn a_sender_that_few_servers_take_is_none() {
    let text = "title: T\nbase_url: https://e.org\nmail:\n  from: t@e.org\n  bounce_address: 用户@e.org\n";
    assert_eq!(
        findings(text),
        [
            "slugline.yaml:5:19: `mail.bounce_address`: it has non-ASCII characters before the `@`, which only mail servers with SMTPUTF8 accept \
          (write an address that is ASCII before the `@`)"
        ]
    );
}

#[test]
fn a_list_is_a_file_or_says_what_its_columns_mean() {
    let list = |mail: &str| {
        let text = format!("title: T\nbase_url: https://e.org\nmail:\n  from: n@e.org\n  subscribers: {mail}\n");
        parse(&text).map(|config| config.mail.unwrap().subscribers.unwrap())
    };
    let plain = list("readers.csv").unwrap();
    assert_eq!(plain.file, PathBuf::from("readers.csv"));
    assert_eq!(plain.options, Options { source: OptionSource::ProjectFile, ..Options::default() });
    let full = list(
        "{file: crm.csv, map: {email: E, status: [A, B]}, states: {left: [0, no, true], active: ~, bounced: '*'}, keep: x, \
         encoding: GBK}",
    )
    .unwrap();
    let words: Vec<(&str, &str)> =
        full.options.states.iter().map(|meaning| (meaning.word.as_str(), meaning.status.as_str())).collect();
    let expected =
        [("", "active"), ("*", "bounced"), ("0", "unsubscribed"), ("no", "unsubscribed"), ("true", "unsubscribed")];
    assert_eq!(words, expected);
    assert_eq!((full.options.columns.email.as_deref(), full.options.columns.status.len()), (Some("E"), 2));
    assert_eq!((full.options.keep, full.options.encoding.unwrap().name()), (vec!["x".to_owned()], "GBK"));
    for (mail, message) in [
        ("{file: a.csv, states: {gone: 1}}", "not a status: there is no status `gone`"),
        ("{file: a.csv, encoding: utf-9}", "not an encoding: there is no such encoding"),
        ("{file: a.csv, mapp: {}}", "expected a file, or a mapping of file, map, states, keep and encoding"),
        ("{map: {}}", "expected a file, or a mapping of file, map, states, keep and encoding"),
    ] {
        let problems = list(mail).unwrap_err();
        assert!(problems[0].message.contains(message), "{problems:?}");
    }
}

#[test]
fn what_is_written_below_mail_by_habit_is_answered_with_what_works() {
    let mail = |lines: &str| {
        let text = format!("title: T\nbase_url: https://e.org\nmail:\n  from: t@e.org\n{lines}\n");
        findings(&text).join("\n")
    };
    const PASSWORD: &str = "it does not belong in this file: put the password into the environment variable \
                            SLUGLINE_SMTP_PASSWORD, or into a file named by `password_file`";
    for (lines, expected) in [
        (
            "  via: mail.example.org:587",
            "5:8: `mail.via`: `mail.example.org:587` does not say how to connect: the scheme is missing (write \
             `smtp://mail.example.org:587`)"
                .to_owned(),
        ),
        (
            "  via: [smtp://a.e.org, b.e.org]",
            "5:8: `mail.via`: server 2: `b.e.org` does not say how to connect: the scheme is missing (write \
             `smtp://b.e.org:587`)"
                .to_owned(),
        ),
        ("  reply_to: a@e.org\n  from: b@e.org", "6:3: the key `mail.from` appears twice (keep only one of them)".to_owned()),
        (
            "\tvia: outbox",
            "5:1: a tab indents this line (YAML is indented with spaces: replace the tab with spaces)".to_owned(),
        ),
        (
            "  subject: News: {{ issue.title }}",
            "5:16: the value contains `: `, but is not in quotes (put the value in quotes: `subject: \"…\"`)".to_owned(),
        ),
        ("  password: x", format!("5:3: unknown key `mail.password` ({PASSWORD})")),
        ("  passwd: x", format!("5:3: unknown key `mail.passwd` ({PASSWORD})")),
        ("  password_fil: x", "5:3: unknown key `mail.password_fil` (write `password_file`)".to_owned()),
        (
            "  via:\n    url: smtp://a.e.org\n    password: x",
            format!(
                "7:5: unknown key `mail.via.password` ({})",
                PASSWORD.replace("SLUGLINE_SMTP_PASSWORD", "that `password_env` names")
            ),
        ),
        (
            "  via:\n    - url: smtp://a.e.org\n      weigth: 2",
            "7:7: unknown key `mail.via.weigth` (write `weight`)".to_owned(),
        ),
        (
            "  unsubscribe_url: https://e.org/{tokn}",
            "5:20: `mail.unsubscribe_url`: there is no `{tokn}` (write `{token}`)".to_owned(),
        ),
        (
            "  unsubscribe_url: https://e.org/{id}",
            "5:20: `mail.unsubscribe_url`: there is no `{id}` (what is known here is `{token}`, `{address}`, `{language}`)".to_owned(),
        ),
        (
            "  unsubscribe_mailto: u+{address}@e.org",
            "5:23: `mail.unsubscribe_mailto`: there is no `{address}` (what is known here is `{token}`)".to_owned(),
        ),
        (
            "  most_failures: many",
            "5:18: `mail.most_failures`: `many` is not a valid percentage (write one such as `1%`)".to_owned(),
        ),
        (
            "  bounce_address: b+{address}@e.org",
            "5:19: `mail.bounce_address`: there is no `{address}` (what is known here is `{token}`)".to_owned(),
        ),
        (
            "  bounce_address: b@{token}.e.org",
            "5:19: `mail.bounce_address`: not a valid email address: `{token}` may occur once, and only before the `@` (write one \
             such as `bounces+{token}@example.org`)"
                .to_owned(),
        ),
        (
            "  bounce_address: bounces-of-our-news+{token}@e.org",
            "5:19: `mail.bounce_address`: not a valid email address: with a token of 48 characters, the part before the `@` has 68, \
             and at most 64 are allowed (write one such as `bounces+{token}@example.org`)"
                .to_owned(),
        ),
        (
            "  reply_to: a@e.org, b@e.org",
            "5:13: `mail.reply_to`: not a valid mailbox: it contains several mailboxes, and only one is possible (write \
             `Name <name@example.org>`)"
                .to_owned(),
        ),
    ] {
        assert_eq!(mail(lines), format!("slugline.yaml:{expected}"), "{lines}");
    }
}

#[test]
fn the_base_url_that_init_writes_is_refused() {
    for url in ["https://www.example.org", "https://www.example.org/"] {
        assert_eq!(
            findings(&format!("title: T\nbase_url: {url}\n")),
            [
                "slugline.yaml:2:11: `base_url`: `https://www.example.org` is only an example, and addresses of issues are \
                 recorded permanently (write the address of your website)"
            ]
        );
    }
    assert!(parse(include_str!("../../../templates/slugline.yaml")).is_err());
}
