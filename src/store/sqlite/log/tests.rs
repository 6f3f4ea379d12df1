use super::*;

fn entries() -> Vec<Entry> {
    let reply = || "250 2.0.0 Ok: \"queued\"\u{2028}".to_owned();
    let retry_at = "2026-11-23T08:05:00Z".parse().unwrap();
    let outcomes = [
        Outcome::Sent(reply()),
        Outcome::Deferred { reply: reply(), retry_at },
        Outcome::Failed { reply: reply(), suppress: true },
        Outcome::Failed { reply: reply(), suppress: false },
        Outcome::Unknown(reply()),
        Outcome::Requeued,
    ];
    [Entry::Sending, Entry::Unsent].into_iter().chain(outcomes.map(Entry::Ended)).collect()
}

#[test]
fn what_is_noted_is_found_by_the_next_run_and_half_a_line_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let paths = paths(&folder.path().join("store.db"));
    let now: DateTime<Utc> = "2026-11-23T08:00:00.123Z".parse().unwrap();
    let mut log = Log::begin(&paths, 7).unwrap();
    let mut expected = Vec::new();
    for (number, entry) in entries().into_iter().enumerate() {
        let reader = SubscriberId(number as i64);
        log.claimed(1, reader);
        let noted: Vec<_> = match entry {
            Entry::Sending => vec![(reader, Entry::Sending)],
            entry => vec![(reader, Entry::Sending), (reader, entry)],
        };
        assert_eq!(log.add(1, &noted, now).unwrap(), []);
        expected.extend(noted.into_iter().map(|(reader, entry)| (1, reader, Noted { entry, at: now })));
    }
    let mut text = std::fs::read(&paths[0]).unwrap();
    assert_eq!(left_behind(&paths, 7).unwrap(), expected);
    assert_eq!(left_behind(&paths, 8).unwrap(), [], "it is another run's");
    text.truncate(text.len() - 5);
    std::fs::write(&paths[0], &text).unwrap();
    expected.pop();
    assert_eq!(left_behind(&paths, 7).unwrap(), expected);
    let untold = String::from_utf8(text.clone()).unwrap().replace("\"turn\":0,", "");
    std::fs::write(&paths[0], untold).unwrap();
    assert_eq!(left_behind(&paths, 7).unwrap(), expected, "an older program wrote it");
    std::fs::write(&paths[0], "{\"run\":7}\n").unwrap();
    assert!(left_behind(&paths, 7).unwrap_err().to_string().contains("cannot be read"));
    Log::begin(&paths, 8).unwrap();
    assert_eq!(left_behind(&paths, 7).unwrap(), []);
}

#[test]
fn the_last_word_about_each_recipient_goes_into_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::begin(&paths(&folder.path().join("store.db")), 7).unwrap();
    let (one, now) = (SubscriberId(1), DateTime::<Utc>::UNIX_EPOCH);
    log.claimed(1, one);
    let sent = Entry::Ended(Outcome::Sent("250".to_owned()));
    assert_eq!(log.add(1, &[(one, Entry::Sending), (one, sent.clone()), (one, sent.clone())], now).unwrap(), [one]);
    let turned = log.turn();
    assert_eq!(turned.entries().collect::<Vec<_>>(), [(1, one, &Noted { entry: sent, at: now })]);
    log.done().unwrap();
    assert!(log.turn().is_empty());
}

#[test]
fn what_comes_while_others_go_into_the_database_is_neither_lost_nor_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let paths = paths(&folder.path().join("store.db"));
    let mut log = Log::begin(&paths, 7).unwrap();
    let (one, two, now) = (SubscriberId(1), SubscriberId(2), DateTime::<Utc>::UNIX_EPOCH);
    let sent = || Entry::Ended(Outcome::Sent("250".to_owned()));
    let left =
        || left_behind(&paths, 7).unwrap().into_iter().map(|(_, id, noted)| (id, noted.entry)).collect::<Vec<_>>();
    log.claimed(1, one);
    for _ in 0..3 {
        log.claimed(1, two);
        log.add(1, &[(two, Entry::Sending)], now).unwrap();
        let turned = log.turn();
        log.add(1, &[(two, sent())], now).unwrap();
        assert_eq!(left(), [(two, Entry::Sending), (two, sent())], "whichever file is the older one");
        assert_eq!(turned.entries().count(), 1);
        log.done().unwrap();
        assert_eq!(left(), [(two, sent())]);
        assert_eq!(log.turn().entries().next().map(|(_, _, noted)| noted.entry.clone()), Some(sent()));
        log.done().unwrap();
        assert_eq!(left(), []);
    }
    // The database refuses, and takes all of it later.
    log.add(1, &[(one, Entry::Sending)], now).unwrap();
    let refused = log.turn();
    log.add(1, &[(one, sent())], now).unwrap();
    log.give_back(refused);
    assert_eq!(left(), [(one, Entry::Sending), (one, sent())]);
    assert_eq!(log.turn().entries().next().map(|(_, _, noted)| noted.entry.clone()), Some(sent()));
    log.done().unwrap();
    assert_eq!(left(), []);
}
