//! Lists whose statuses are not understood, and the user's options that resolve this.

use super::*;
use crate::subscription::options::{Columns, OptionSource, meanings};

/// Checks that an import stops and changes nothing; returns the message and help.
fn stops(store: &mut dyn Store, csv: &str, options: &Options) -> (String, String) {
    let before = exported(store);
    let error = import_with(store, csv, options).unwrap_err();
    assert_eq!(exported(store), before, "{csv}");
    let forecast = dry_run::import(store, "list.csv", &mut Cursor::new(csv), options).unwrap_err();
    assert_eq!(forecast.to_string(), error.to_string());
    let finding = error.downcast_ref::<Finding>().unwrap();
    (finding.message.clone(), finding.help.clone().unwrap())
}

/// All statuses, in the order of the list.
fn statuses(store: &dyn Store) -> Vec<&'static str> {
    let mut statuses = Vec::new();
    let mut each = |subscriber: Subscriber| {
        statuses.push(subscriber.status.as_str());
        Ok(())
    };
    store.each_subscriber(None, &mut each).unwrap();
    statuses
}

fn mapped(status: &[&str], states: &str) -> Options {
    let columns = Columns { status: status.iter().map(|it| (*it).to_owned()).collect(), ..Columns::default() };
    Options { columns, states: meanings(states).unwrap(), ..Options::default() }
}

#[test]
fn a_column_that_looks_like_a_status_stops_the_import() {
    with_store(|store| {
        for (csv, column) in [
            ("email,subscribed\na@example.org,1\n", "subscribed"),
            ("email,name,Opted Out\na@example.org,A,yes\n", "Opted Out"),
            ("email,unsubscribed_at\na@example.org,\nb@example.org,2024-01-01\n", "unsubscribed_at"),
            ("email,type\na@example.org,active\nb@example.org,cancelled\n", "type"),
            ("Email,Accepts Email Marketing\na@example.org,yes\nb@example.org,no\n", "Accepts Email Marketing"),
            ("email,mails\na@example.org,0\n", "mails"),
            ("email,remark\na@example.org,\nb@example.org,Unsubscribed\n", "remark"),
            ("邮箱,备注\na@example.org,\nb@example.org,已退订\n", "备注"),
            ("email,status,is_active\na@example.org,active,0\n", "is_active"),
            ("id,email,subscribed_to_emails,created_at,labels,bounced\n1,a@example.org,true,,,yes\n", "bounced"),
        ] {
            let (message, help) = stops(store, csv, &Options::default());
            assert!(message.starts_with(&format!("the column `{column}` looks like a status")), "{csv}: {message}");
            assert!(message.ends_with("; nothing was imported"), "{message}");
            assert!(help.contains(&format!("`--map 'status={column}' --states active=VALUE,left=VALUE`")), "{help}");
            assert!(help.contains(&format!("`--keep '{column}'`")), "{help}");
        }
    });
}

#[test]
fn a_value_that_is_not_understood_stops_the_import() {
    with_store(|store| {
        for (csv, cells) in [
            (
                "email,status\na@example.org,active\nb@example.org,gone fishing\nc@example.org,3\n",
                "`gone fishing`, `3`",
            ),
            ("email,状态\na@example.org,也许\n", "`也许`"),
            (
                "id,email,subscribed_to_emails,created_at,labels\n1,a@example.org,true,,\n2,b@example.org,,,\n",
                "an empty cell",
            ),
            ("first_name,email,status,created_at\nA,a@example.org,snoozed,\n", "`snoozed`"),
        ] {
            let (message, help) = stops(store, csv, &Options::default());
            assert!(
                message.contains(&format!("is the status, but the meaning of {cells} is unknown; nothing")),
                "{csv}: {message}"
            );
            assert!(help.contains("`--states active=VALUE,left=VALUE`"), "{help}");
        }
        let options = Options { source: OptionSource::ProjectFile, ..Options::default() };
        let (message, help) = stops(store, "email,status\na@example.org,3\n", &options);
        assert!(message.ends_with("; nothing is sent"), "{message}");
        assert!(help.contains("say below `mail.subscribers` what its values mean: `states: {active: VALUE"), "{help}");
    });
}

#[test]
fn the_user_defines_meanings() {
    for (csv, options, expected) in [
        (
            "email,mails\na@example.org,1\nb@example.org,2\nc@example.org,-1\n",
            mapped(&["mails"], "active=1,left=2,bounced=-1"),
            vec!["active", "unsubscribed", "bounced"],
        ),
        (
            "email,unsubscribed_at\na@example.org,\nb@example.org,2024-01-01\n",
            mapped(&["Unsubscribed At"], "active=,left=*"),
            vec!["active", "unsubscribed"],
        ),
        (
            "email,left_at,bounced_at\na@example.org,,\nb@example.org,x,\nc@example.org,,x\n",
            mapped(&["left_at", "bounced_at"], "active=,suppressed=*"),
            vec!["active", "suppressed", "suppressed"],
        ),
        (
            "email,x\na@example.org,Y\nb@example.org,n\n",
            mapped(&["x"], "active=Y,left=y,active=N"),
            vec!["unsubscribed", "active"],
        ),
        (
            "email,status\na@example.org,A\nb@example.org,unsubscribed\n",
            mapped(&[], "active=a"),
            vec!["active", "unsubscribed"],
        ),
        // If two columns have one header, either may deactivate.
        (
            "email,status,Status\na@example.org,active,left\nb@example.org,,active\n",
            Options::default(),
            vec!["unsubscribed", "active"],
        ),
        (
            "email,x,X\na@example.org,1,0\nb@example.org,1,1\n",
            mapped(&["x"], "active=1,left=0"),
            vec!["unsubscribed", "active"],
        ),
        // A service's status column, with a new word.
        (
            "first_name,email,status,created_at\nA,a@example.org,snoozed,\nB,b@example.org,active,\n",
            mapped(&[], "unconfirmed=snoozed"),
            vec!["unconfirmed", "active"],
        ),
        (
            "email,state\na@example.org,CA\n",
            Options { keep: vec!["State".into()], ..Options::default() },
            vec!["active"],
        ),
        (
            "email,status\na@example.org,gold\n",
            Options { keep: vec!["status".into()], ..Options::default() },
            vec!["active"],
        ),
        (
            "email,bounced\na@example.org,no\nb@example.org,\n",
            Options { whole_list: Some(Status::Complained), ..Options::default() },
            vec!["complained", "complained"],
        ),
    ] {
        with_store(|store| {
            import_with(store, csv, &options).unwrap();
            assert_eq!(statuses(store), expected, "{csv}");
        });
    }
}

/// A user who defines values, or names the column, must define all of them.
#[test]
fn empty_cells_must_be_defined_too() {
    with_store(|store| {
        for options in [mapped(&["mails"], "active=1"), mapped(&["mails"], "left=1")] {
            let (message, _) = stops(store, "email,mails\na@example.org,1\nb@example.org,\n", &options);
            assert!(message.contains("the meaning of an empty cell"), "{message}");
        }
        let empty = Options { columns: mapped(&["mails"], "active=").columns, ..Options::default() };
        stops(store, "email,mails\na@example.org,\n", &empty);
        stops(store, "email,status\na@example.org,1\nb@example.org,\n", &mapped(&[], "active=1"));
    });
}

#[test]
fn a_named_column_has_to_exist() {
    with_store(|store| {
        let csv = "email,mails\na@example.org,1\n";
        let keep = Options { keep: vec!["mailz".into()], ..Options::default() };
        let (message, help) = stops(store, csv, &keep);
        assert_eq!((message.as_str(), help.as_str()), ("there is no column `mailz` in the file", "is it `mails`?"));
        let (message, _) = stops(store, csv, &mapped(&["subscription"], "active=1"));
        assert_eq!(message, "there is no column `subscription` in the file");
        let (message, help) = stops(store, csv, &mapped(&[], "active=1"));
        assert!(message.contains("`--states` defines values, but no column contains a status"), "{message}");
        assert!(help.contains("`--map status=COLUMN`"), "{help}");
    });
}

#[test]
fn no_option_reactivates_a_subscriber() {
    with_store(|store| {
        import_text(store, "email,status\na@example.org,complained\nb@example.org,unconfirmed\n").unwrap();
        import_with(store, "email,x\na@example.org,1\nb@example.org,1\n", &mapped(&["x"], "active=1")).unwrap();
        import_text(store, "email\na@example.org\nb@example.org\n").unwrap();
        assert_eq!(statuses(store), ["complained", "unconfirmed"]);
    });
}

#[test]
fn a_row_without_an_address_does_not_stop_the_import() {
    with_store(|store| {
        let csv = "email,status\na@example.org,active\nTotal,1 reader\n\"b@example.org; c@other.example\",active\n";
        let (added, findings) = import_text(store, csv).unwrap();
        assert_eq!(added.new, 1);
        assert_eq!(findings[1], "list.csv:4: `b...@example.org; c...@other.example` is more than one email address");
    });
}

#[test]
fn an_overlong_name_is_refused() {
    with_store(|store| {
        let csv = format!("email,name\na@example.org,{}\nb@example.org, \"Solvik, Maren\"\n", "x".repeat(200_000));
        let (added, findings) = import_text(store, &csv).unwrap();
        assert_eq!(added.new, 1);
        assert_eq!(findings, ["list.csv:2: the name of a...@example.org has 200000 bytes; the maximum is 900"]);
        assert!(exported(store).contains("b@example.org,\"Solvik, Maren\",active"));
        let csv = format!("email,name,status\nc@example.org,{},left\n", "x".repeat(200_000));
        let (added, findings) = import_text(store, &csv).unwrap();
        assert_eq!((added.away, findings), (1, vec![]), "the status is not lost with the name");
        let (_, findings) = import_text(store, &format!("email\na@{}\n", "x".repeat(200_000))).unwrap();
        assert!(findings[0].len() < 250, "{findings:?}");
    });
}
