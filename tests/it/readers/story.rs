//! What readers do, from the form to the last issue they get.

use serde_json::Value;
use slugline::parts::Status;

use super::*;

const LATER: &str = "2026-11-20T13:00:00Z";
const NEXT_DAY: &str = "2026-11-21T13:00:00Z";
const NEXT_WEEK: &str = "2026-11-28T12:00:01Z";

/// The link to confirm, in the only message to an address.
fn confirmation(newsroom: &Newsroom, address: &str) -> [String; 2] {
    let mail = newsroom.mail_to(address);
    assert_eq!(mail.len(), 1, "{address}");
    assert_eq!(subject(&mail[0]), "Please confirm your subscription to Tide Notes");
    links(&mail[0]).try_into().unwrap()
}

/// The issues that an address was mailed.
fn issues(newsroom: &Newsroom, address: &str) -> Vec<String> {
    let subjects = newsroom.mail_to(address).iter().map(subject).collect::<Vec<_>>();
    subjects.into_iter().filter(|subject| !subject.contains(' ')).collect()
}

fn multipart(fields: &[(&str, &str)]) -> ((&'static str, &'static str), String) {
    let part = |(name, value): &(&str, &str)| {
        format!("--=_b7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts: String = fields.iter().map(part).collect();
    (("Content-Type", "multipart/form-data; boundary=\"=_b7\""), format!("{parts}--=_b7--\r\n"))
}

#[test]
fn a_reader_subscribes_and_leaves_by_one_click() {
    in_both_stores("readers_one_click", |newsroom| {
        for reader in ["ada@example.org", "lin@example.org"] {
            newsroom.add(reader, Status::Active);
        }
        newsroom.serve_at(NOON);
        newsroom.get("/subscribe").is(200, &format!("action=\"{URL}subscribe\""));
        let form = [("email", "Maren@example.org"), ("name", "Maren\r\nBcc: x@evil.example"), ("language", "en")];
        newsroom.post("/subscribe", &form).is(200, "Check your inbox");
        let [confirm, block] = confirmation(newsroom, "Maren@example.org");
        assert!(confirm.starts_with("/confirm/") && block.starts_with("/confirm/") && confirm != block);
        let first = &newsroom.peer.taken()[0].content;
        assert!(!first.contains("Bcc") && !first.contains("evil"), "{first}");
        newsroom.get(&confirm).is(200, "One press left");
        assert_eq!(newsroom.status("maren@example.org"), None, "GET changes nothing");
        newsroom.post(&confirm, &[]).is(200, "You are subscribed");
        newsroom.post(&confirm, &[]).is(200, "You are subscribed");
        assert_eq!(newsroom.status("maren@example.org"), Some(Status::Active));

        newsroom.send("neap");
        for reader in ["ada@example.org", "lin@example.org", "Maren@example.org"] {
            assert_eq!(issues(newsroom, reader), ["neap"], "{reader}");
        }
        let by_one_click = |reader: &str, headers: &[(&str, &str)], body: &str| {
            let message = newsroom.mail_to(reader).pop().unwrap();
            let path = one_click_path(&message);
            let answer = newsroom.ask("POST", &path, headers, body);
            answer.is(200, "unsubscribed\n");
            assert!(!answer.head.contains("location") && !answer.head.contains("set-cookie"), "{answer:?}");
        };
        // Twice, as providers do if an answer is lost.
        for _ in 0..2 {
            by_one_click("Maren@example.org", &[FORM], "List-Unsubscribe=One-Click");
            let (kind, body) = multipart(&[("List-Unsubscribe", "One-Click")]);
            by_one_click("lin@example.org", &[kind], &body);
        }
        newsroom.serve_at(LATER);
        newsroom.send("spring");
        assert_eq!(issues(newsroom, "ada@example.org"), ["neap", "spring"]);
        for reader in ["lin@example.org", "Maren@example.org"] {
            assert_eq!(issues(newsroom, reader), ["neap"], "{reader}");
            let shown: Value =
                serde_json::from_str(&newsroom.says(&["--json", "subscribers", "show", reader])).unwrap();
            assert_eq!(shown["status"], "unsubscribed", "{shown:#}");
            let left = serde_json::json!({"channel": "one-click", "at": "2026-11-20T12:00:00+00:00"});
            assert_eq!(shown["left"], left, "{shown:#}");
        }
        let status = newsroom.says(&["status"]);
        assert!(status.ends_with("left by    in 30 days\none-click  2\n"), "{status}");
    });
}

#[test]
fn a_reader_leaves_on_the_page_and_comes_back() {
    in_both_stores("readers_page", |newsroom| {
        newsroom.add("ada@example.org", Status::Active);
        newsroom.serve_at(NOON);
        newsroom.send("neap");
        let leave = one_click_path(&newsroom.mail_to("ada@example.org")[0]);
        newsroom.get(&leave).is(200, "name=\"from\" value=\"page\"");
        assert_eq!(newsroom.status("ada@example.org"), Some(Status::Active), "GET changes nothing");
        let left = newsroom.post(&leave, &[("from", "page")]);
        left.is(200, "/return/");
        newsroom.send("spring");
        assert_eq!(issues(newsroom, "ada@example.org"), ["neap"]);
        let goodbye = newsroom.mail_to("ada@example.org").pop().unwrap();
        assert_eq!(subject(&goodbye), "You have left Tide Notes");
        let undo = links(&goodbye).into_iter().find(|link| link.starts_with("/return/")).unwrap();
        newsroom.get(&undo).is(200, "<button");
        assert_eq!(newsroom.status("ada@example.org"), Some(Status::Unsubscribed), "GET changes nothing");
        for _ in 0..2 {
            newsroom.post(&undo, &[]).is(200, "You are subscribed");
        }
        newsroom.send("ebb");
        assert_eq!(issues(newsroom, "ada@example.org"), ["neap", "ebb"]);
    });
}

#[test]
fn a_request_that_nobody_confirms_ends_after_a_week() {
    in_both_stores("readers_expired", |newsroom| {
        newsroom.serve_at(NOON);
        newsroom.post("/subscribe", &[("email", "eve@example.org"), ("name", "Eve Sands")]);
        let [confirm, block] = confirmation(newsroom, "eve@example.org");
        newsroom.send("neap");
        assert_eq!(issues(newsroom, "eve@example.org"), [""; 0]);
        assert!(newsroom.rows().contains("Eve Sands"));
        newsroom.serve_at(NEXT_WEEK);
        for link in [confirm, block] {
            newsroom.get(&link).is(404, "no longer valid");
            newsroom.post(&link, &[]).is(404, "no longer valid");
        }
        // A message is queued and dropped only after the purge at the start.
        newsroom.post("/link", &[("email", "nobody@example.org")]);
        newsroom.settle();
        assert!(!newsroom.rows().contains("Eve Sands"), "{}", newsroom.rows());
        assert_eq!(newsroom.status("eve@example.org"), None);
    });
}

#[test]
fn who_is_not_to_be_asked_again_is_not() {
    in_both_stores("readers_blocked", |newsroom| {
        newsroom.serve_at(NOON);
        newsroom.post("/subscribe", &[("email", "wil@example.org")]);
        let [_, block] = confirmation(newsroom, "wil@example.org");
        newsroom.get(&block).is(200, "Never ask me again");
        newsroom.post(&block, &[]).is(200, "You will not be asked again");
        for now in [LATER, NEXT_DAY, NEXT_WEEK] {
            newsroom.serve_at(now);
            newsroom.post("/subscribe", &[("email", "wil@example.org")]).is(200, "Check your inbox");
            assert_eq!(newsroom.mail_to("wil@example.org").len(), 1, "{now}");
        }
    });
}

#[test]
fn who_is_subscribed_is_told_so_once_a_day_and_who_complained_never() {
    in_both_stores("readers_told", |newsroom| {
        newsroom.add("ada@example.org", Status::Active);
        newsroom.add("cross@example.org", Status::Complained);
        for (now, count) in [(NOON, 1), ("2026-11-20T12:11:00Z", 1), (LATER, 1), (NEXT_DAY, 2)] {
            newsroom.serve_at(now);
            for reader in ["ada@example.org", "cross@example.org"] {
                newsroom.post("/subscribe", &[("email", reader)]).is(200, "Check your inbox");
            }
            let told = newsroom.mail_to("ada@example.org");
            assert!(told.iter().all(|message| subject(message) == "You are subscribed to Tide Notes"));
            assert_eq!((told.len(), newsroom.mail_to("cross@example.org").len()), (count, 0), "{now}");
        }
        let leave = links(&newsroom.mail_to("ada@example.org")[0]);
        let leave = leave.iter().find(|link| link.starts_with("/leave/")).unwrap();
        newsroom.post(leave, &[("from", "page")]).is(200, "/return/");
        assert_eq!(newsroom.status("ada@example.org"), Some(Status::Unsubscribed));
    });
}

#[test]
fn readers_get_their_links_and_can_be_forgotten() {
    in_both_stores("readers_forgotten", |newsroom| {
        newsroom.serve_at(NOON);
        newsroom.post("/subscribe", &[("email", "ada@example.org"), ("name", "Ada Reef")]);
        let [confirm, _] = confirmation(newsroom, "ada@example.org");
        newsroom.post(&confirm, &[]).is(200, "You are subscribed");
        newsroom.serve_at(LATER);
        newsroom.post("/link", &[("email", "ada@example.org")]).is(200, "");
        newsroom.post("/link", &[("email", "nobody@example.org")]).is(200, "");
        assert_eq!(newsroom.mail_to("nobody@example.org"), []);
        let message = newsroom.mail_to("ada@example.org").pop().unwrap();
        let leave = links(&message).into_iter().find(|link| link.starts_with("/leave/")).unwrap();
        newsroom.get(&leave).is(200, "<button");
        let shown: Value =
            serde_json::from_str(&newsroom.says(&["--json", "subscribers", "show", "ada@example.org"])).unwrap();
        assert_eq!(shown["consents"][0]["requested"], "2026-11-20T12:00:00+00:00", "{shown:#}");
        newsroom.post(&leave, &[("from", "page")]).is(200, "/return/");
        newsroom.settle();
        newsroom.says(&["subscribers", "forget", "ada@example.org", "--yes"]);
        let rows = newsroom.rows();
        assert!(!rows.contains("ada@") && !rows.contains("Ada"), "{rows}");
        for link in [confirm, leave] {
            newsroom.get(&link).is(404, "");
        }
    });
}

#[test]
fn tokens_and_consents_move_to_another_store() {
    let Some(database) = Database::new("readers_moved") else { return };
    let other = Database::new("readers_moved_back").unwrap();
    let to_server = (Newsroom::new("sqlite:slugline.db", None), database);
    let (url, other_url) = (to_server.1.url().to_owned(), other.url().to_owned());
    let from_server = (Newsroom::new(&other_url, Some(other)), None::<Database>);
    moves(to_server.0, &url, Some(to_server.1));
    moves(from_server.0, "sqlite:slugline.db", from_server.1);
}

fn moves(mut newsroom: Newsroom, to: &str, database: Option<Database>) {
    newsroom.serve_at(NOON);
    for reader in ["ada@example.org", "eve@example.org"] {
        newsroom.post("/subscribe", &[("email", reader)]);
    }
    let [confirm, _] = confirmation(&newsroom, "ada@example.org");
    let [pending, _] = confirmation(&newsroom, "eve@example.org");
    newsroom.post(&confirm, &[]).is(200, "You are subscribed");
    newsroom.send("neap");
    let leave = one_click_path(newsroom.mail_to("ada@example.org").last().unwrap());
    let show = ["--json", "subscribers", "show", "ada@example.org"];
    let shown = newsroom.says(&show);
    newsroom.says(&["store", "copy", to]);

    let before = newsroom.rows();
    for path in ["/subscribe", "/link", &confirm, &pending, &leave] {
        let answer = newsroom.post(path, &[("email", "lin@example.org")]);
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
        assert!(answer.head.contains("retry-after: "), "{path}: {answer:?}");
    }
    assert_eq!(newsroom.rows(), before);
    newsroom.stop();
    let old = std::mem::replace(&mut newsroom.database, database);
    newsroom.url = to.to_owned();
    newsroom.write_project(to);
    newsroom.serve_at(LATER);
    assert_eq!(newsroom.says(&show), shown);
    newsroom.post(&confirm, &[]).is(200, "You are subscribed");
    newsroom.post(&pending, &[]).is(200, "You are subscribed");
    newsroom.post(&leave, &[]).is(200, "unsubscribed");
    assert_eq!(newsroom.status("ada@example.org"), Some(Status::Unsubscribed));
    assert_eq!(newsroom.status("eve@example.org"), Some(Status::Active));
    drop(newsroom);
    drop(old);
}
