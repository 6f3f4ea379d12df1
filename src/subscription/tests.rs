use super::*;
use crate::store::sqlite::Sqlite;

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn with_store(test: impl FnOnce(&mut dyn Store)) {
    let folder = tempfile::tempdir().unwrap();
    test(&mut Sqlite::open(&folder.path().join("store.db")).unwrap());
}

fn import_text(store: &mut dyn Store, csv: &str) -> anyhow::Result<(Added, Vec<String>)> {
    let imported = import(store, "list.csv", &mut csv.as_bytes(), None, now(), &mut || {})?;
    let show = |finding: &Finding| format!("{}: {finding}", finding.place.as_ref().unwrap());
    Ok((imported.added, imported.findings.iter().map(show).collect()))
}

fn exported(store: &dyn Store) -> String {
    let mut out = Vec::new();
    export(store, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn subscriber(address: &str) -> NewSubscriber {
    NewSubscriber { address: address.parse().unwrap(), name: String::new(), attributes: serde_json::Map::new() }
}

#[test]
fn good_rows_are_kept_and_bad_ones_named() {
    with_store(|store| {
        let csv = "\u{feff}Name; E-Mail ;city\n李雷;li@例え.jp;\"海口;市\"\n;no address;\n\nHan;han@example.org\n;LI@xn--r8jz45g.jp;\n";
        let (added, findings) = import_text(store, csv).unwrap();
        assert_eq!(added, Added { new: 2, known: 1, away: 0 });
        assert_eq!(findings, ["list.csv:3: `no address` is no e-mail address: it needs a name, an `@` and a domain"]);
        assert_eq!(
            exported(store),
            "email,name,status,created,city\nli@xn--r8jz45g.jp,李雷,active,2026-11-23T08:00:00+00:00,海口;市\n\
             han@example.org,Han,active,2026-11-23T08:00:00+00:00,\n"
        );
    });
}

#[test]
fn an_export_imports_again_and_changes_nothing() {
    with_store(|store| {
        import_text(store, "email,name,plan\na@example.org,\"A, B\",pro\nb@example.org,,\n").unwrap();
        remove(store, &"b@example.org".parse().unwrap(), now()).unwrap();
        let before = exported(store);
        assert_eq!(import_text(store, &before).unwrap().0, Added { new: 0, known: 1, away: 1 });
        assert_eq!(exported(store), before);
    });
}

#[test]
fn a_file_without_the_column_adds_nobody() {
    with_store(|store| {
        let error = import_text(store, "a@example.org\nb@example.org\n").unwrap_err();
        assert_eq!(error.to_string(), "there is no column `email` in the file");
        let help = error.downcast_ref::<Finding>().unwrap().help.clone().unwrap();
        assert!(help.contains("write the names of the columns above it"), "{help}");
        let error = import_text(store, "mail,name\na@example.org,A\n").unwrap_err();
        let help = error.downcast_ref::<Finding>().unwrap().help.clone().unwrap();
        assert_eq!(help, "name the column of the address with `--column`; there are `mail`, `name`");
        assert!(import_text(store, "").is_err());
    });
}

#[test]
fn who_left_comes_back_only_when_asked_for() {
    with_store(|store| {
        let address: EmailAddress = "a@example.org".parse().unwrap();
        assert_eq!(remove(store, &address, now()).unwrap(), None);
        assert_eq!(add(store, subscriber("a@example.org"), false, now()).unwrap(), Joined::New);
        assert_eq!(add(store, subscriber("A@example.org"), false, now()).unwrap(), Joined::Known);
        assert_eq!(remove(store, &address, now()).unwrap(), Some(Status::Active));
        assert_eq!(remove(store, &address, now()).unwrap(), Some(Status::Unsubscribed));
        let away = Joined::Away(Status::Unsubscribed);
        assert_eq!(add(store, subscriber("a@example.org"), false, now()).unwrap(), away);
        let again = Joined::Again(Status::Unsubscribed);
        assert_eq!(add(store, subscriber("a@example.org"), true, now()).unwrap(), again);
        assert_eq!(store.subscriber(&address).unwrap().unwrap().status, Status::Active);
    });
}

#[test]
fn a_row_that_is_not_utf8_is_named() {
    with_store(|store| {
        let csv = b"email\na@example.org\ncaf\xe9@example.org\nb@example.org\n";
        let imported = import(store, "list.csv", &mut csv.as_slice(), None, now(), &mut || {}).unwrap();
        assert_eq!(imported.added.new, 2);
        assert_eq!(imported.findings[0].place.as_ref().unwrap().to_string(), "list.csv:3");
    });
}
