//! Exports as other services write them: who gets mail, under which name, and which attributes are kept.

use super::*;

/// The result of importing an export: address, name and status of each subscriber, and the attributes.
fn imported(path: &str, csv: &str, keep: &[&str]) -> (Option<&'static str>, Vec<String>) {
    let (mut service, mut rows) = (None, Vec::new());
    with_store(|store| {
        let options = Options { keep: keep.iter().map(|it| (*it).to_owned()).collect(), ..Options::default() };
        let imported = import(store, path, &mut Cursor::new(csv), &options, now(), &mut |_| {}).unwrap();
        assert_eq!(imported.findings, []);
        service = imported.service;
        let mut each = |subscriber: Subscriber| {
            let attributes = serde_json::to_string(&subscriber.attributes).unwrap();
            rows.push(format!("{} [{}] {} {attributes}", subscriber.address, subscriber.name, subscriber.status));
            Ok(())
        };
        store.each_subscriber(None, &mut each).unwrap();
    });
    (service, rows)
}

/// In each dialect of CSV.
fn is(service: &str, csv: &str, expected: &[&str]) {
    let (header, rows) = csv.split_once('\n').unwrap();
    let upper = header.to_uppercase().replace('_', " ");
    for text in [csv.to_owned(), format!("\u{feff}{}", csv.replace('\n', "\r\n")), format!("{upper}\n{rows}")] {
        let (found, rows) = imported("list.csv", &text, &[]);
        assert_eq!(
            (found, rows.iter().map(String::as_str).collect::<Vec<_>>()),
            (Some(service), expected.to_vec()),
            "{text}"
        );
    }
}

#[test]
fn mailchimp() {
    let header =
        "Email Address,First Name,Last Name,Company,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE";
    let subscribed = format!(
        "{header},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n\
         ana@example.org,Ana,Lima,Foo,2,2024-01-02 10:00:00,192.0.2.1,2024-01-02 10:05:00,192.0.2.1,1.5,2024-02-02,1,ab,,\n\
         bo@example.org,,Berg,,2,,,2024-01-02 10:05:00,,,,2,cd,,\"\"\"Editors\"\"\"\n\
         shop@example.org,Sho,,,2,,,,,,,2,cd,,\n"
    );
    let expected = [
        "ana@example.org [Ana Lima] active {}",
        "bo@example.org [Berg] active {}",
        "shop@example.org [Sho] unconfirmed {}",
    ];
    is("Mailchimp", &subscribed, &expected);
    let unsubscribed = format!(
        "{header},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS\n\
         cy@example.org,Cy,,,2,2024-01-02,,2024-01-02,,,2024-03-01 09:00:00,News,1,SPAM,,3,ef,,\n\
         di@example.org,Di,,,2,2024-01-02,,2024-01-02,,,,,,,,4,gh,,\n"
    );
    is("Mailchimp", &unsubscribed, &["cy@example.org [Cy] unsubscribed {}", "di@example.org [Di] unsubscribed {}"]);
    let cleaned = "Email Address,Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID\n\
                   ed@example.org,Ed E,2024-03-01 09:00:00,News,1,5\n";
    is("Mailchimp", cleaned, &["ed@example.org [Ed E] bounced {}"]);
    // All in one file: each date is about its own row.
    let joined = "Email Address,UNSUB_TIME,CLEAN_TIME,LEID\na@example.org,,,1\nb@example.org,2024-01-01,,2\nc@example.org,,2024-01-01,3\n";
    is(
        "Mailchimp",
        joined,
        &["a@example.org [] active {}", "b@example.org [] unsubscribed {}", "c@example.org [] bounced {}"],
    );
}

/// The files of a zip have the same columns, so that one is only identified by its name.
#[test]
fn mailchimp_by_file_name() {
    let csv = "Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME\na@example.org,2,2024-01-01,2024-01-01\n";
    for (path, status) in [
        ("subscribed_email_audience_export_1a.csv", "active"),
        ("exports/Unsubscribed_email_audience_export_1a.csv", "unsubscribed"),
        ("cleaned_email_audience_export_1a.csv", "bounced"),
        ("nonsubscribed_email_audience_export_1a.csv", "unconfirmed"),
    ] {
        assert_eq!(imported(path, csv, &[]).1, [format!("a@example.org [] {status} {{}}")], "{path}");
    }
}

#[test]
fn ghost() {
    let csv = "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n\
               1,in@example.org,Ina I,,true,,cus_1,2024-01-01T00:00:00.000Z,,,Free\n\
               2,left@example.org,,,false,,,2024-01-01T00:00:00.000Z,,vip,\n\
               3,deleted@example.org,,,TRUE,true,,2024-01-01T00:00:00.000Z,2024-02-01T00:00:00.000Z,,\n";
    let expected = [
        "in@example.org [Ina I] active {}",
        "left@example.org [] unsubscribed {}",
        "deleted@example.org [] unsubscribed {}",
    ];
    is("Ghost", csv, &expected);
    let kept = imported("list.csv", csv, &["Labels", "tiers"]).1;
    assert_eq!(kept[0], "in@example.org [Ina I] active {\"tiers\":\"Free\"}");
    assert_eq!(kept[1], "left@example.org [] unsubscribed {\"labels\":\"vip\"}");
}

#[test]
fn substack() {
    let csv = "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n\
               free@example.org,false,,other,false,2024-01-01,\n\
               paid@example.org,true,2027-01-01,yearly,false,2024-01-01,2024-01-02\n\
               left@example.org,true,2027-01-01,yearly,true,2024-01-01,2024-01-02\n";
    let expected =
        ["free@example.org [] active {}", "paid@example.org [] active {}", "left@example.org [] unsubscribed {}"];
    is("Substack", csv, &expected);
    let older =
        "email,expiry,email_disabled,stripe_connected_customer_id,type\na@example.org,2027-01-01,true,cus_1,comp\n";
    is("Substack", older, &["a@example.org [] unsubscribed {}"]);
}

#[test]
fn listmonk() {
    let csv = "uuid,email,name,attributes,status,created_at,updated_at\n\
               u1,on@example.org,On O,\"{\"\"city\"\": \"\"Oslo\"\"}\",enabled,2024-01-01,2024-01-01\n\
               u2,off@example.org,,{},disabled,2024-01-01,2024-01-01\n\
               u3,list@example.org,,{},blocklisted,2024-01-01,2024-01-01\n";
    let expected =
        ["on@example.org [On O] active {}", "off@example.org [] suppressed {}", "list@example.org [] unsubscribed {}"];
    is("listmonk", csv, &expected);
    let csv = "uuid,email,name,status,subscription_status,lists\n\
               u1,a@example.org,A,enabled,confirmed,1\nu2,b@example.org,B,enabled,unsubscribed,1\nu3,c@example.org,C,enabled,unconfirmed,1\n";
    is(
        "listmonk",
        csv,
        &["a@example.org [A] active {}", "b@example.org [B] unsubscribed {}", "c@example.org [C] unconfirmed {}"],
    );
}

#[test]
fn buttondown() {
    let types = [
        ("regular", "active"),
        ("premium", "active"),
        ("gifted", "active"),
        ("trialed", "active"),
        ("unpaid", "active"),
        ("churning", "active"),
        ("churned", "active"),
        ("paused", "active"),
        ("past_due", "active"),
        ("unactivated", "unconfirmed"),
        ("upcoming", "unconfirmed"),
        ("unsubscribed", "unsubscribed"),
        ("undeliverable", "bounced"),
        ("complained", "complained"),
        ("spammy", "suppressed"),
        ("blocked", "suppressed"),
        ("removed", "suppressed"),
        ("disabled", "suppressed"),
    ];
    let rows = types.map(|(word, _)| {
        format!("{word}@example.org,,\"{{\"\"name\"\": \"\"N. {word}\"\"}}\",,{word},,2024-01-01,192.0.2.9\n")
    });
    let csv = format!("email,notes,metadata,tags,type,unsubscription_date,creation_date,ip_address\n{}", rows.concat());
    let expected = types.map(|(word, status)| format!("{word}@example.org [N. {word}] {status} {{}}"));
    is("Buttondown", &csv, &expected.each_ref().map(String::as_str));
    let csv = "email_address,metadata.name,tags,notes,type,unsubscription_date,undeliverability_date\n\
               a@example.org,Ann,,,regular,2024-02-02,\nb@example.org,Bob,,,regular,,2024-02-02\nc@example.org,,,,Past Due,,\n";
    is(
        "Buttondown",
        csv,
        &["a@example.org [Ann] unsubscribed {}", "b@example.org [Bob] bounced {}", "c@example.org [] active {}"],
    );
}

#[test]
fn beehiiv() {
    let csv = "email,First Name,Last Name,status,tier,created_at,stripe_customer_id,utm_source,unsubscribed_at\n\
               a@example.org, Ann ,,active,free,2024-01-01,,twitter,\n\
               b@example.org,Bob,Bo,inactive,premium,2024-01-01,cus_1,,\n\
               c@example.org,,,pending,free,2024-01-01,,,\n\
               d@example.org,,,validating,free,2024-01-01,,,\n\
               e@example.org,,,invalid,free,2024-01-01,,,\n\
               f@example.org,,,needs_attention,free,2024-01-01,,,\n\
               g@example.org,,,active,free,2024-01-01,,,2024-02-02 10:00:00 UTC\n";
    let expected = [
        "a@example.org [Ann] active {}",
        "b@example.org [Bob Bo] unsubscribed {}",
        "c@example.org [] unconfirmed {}",
        "d@example.org [] unconfirmed {}",
        "e@example.org [] bounced {}",
        "f@example.org [] unconfirmed {}",
        "g@example.org [] unsubscribed {}",
    ];
    is("beehiiv", csv, &expected);
}

#[test]
fn mailerlite() {
    let csv = "email,name,last_name,status,source,sent,opens_count,clicks_count,ip_address,subscribed_at,unsubscribed_at\n\
               a@example.org,Ann,Lee,active,form,9,1,1,192.0.2.1,2024-01-01,\n\
               b@example.org,,,unsubscribed,form,9,1,1,192.0.2.1,2024-01-01,2024-02-01\n\
               c@example.org,,,unconfirmed,form,9,1,1,192.0.2.1,2024-01-01,\n\
               d@example.org,,,bounced,form,9,1,1,192.0.2.1,2024-01-01,\n\
               e@example.org,,,junk,form,9,1,1,192.0.2.1,2024-01-01,\n";
    let expected = [
        "a@example.org [Ann Lee] active {}",
        "b@example.org [] unsubscribed {}",
        "c@example.org [] unconfirmed {}",
        "d@example.org [] bounced {}",
        "e@example.org [] complained {}",
    ];
    is("MailerLite", csv, &expected);
}

#[test]
fn kit() {
    let csv = "first_name,email,status,created_at,tags\n\
               Ann,a@example.org,active,2024-01-01,vip\nBob,b@example.org,inactive,2024-01-01,\n,c@example.org,cancelled,2024-01-01,\n\
               ,d@example.org,bounced,2024-01-01,\n,e@example.org,complained,2024-01-01,\n,f@example.org,unconfirmed,2024-01-01,\n";
    let expected = [
        "a@example.org [Ann] active {}",
        "b@example.org [Bob] unconfirmed {}",
        "c@example.org [] unsubscribed {}",
        "d@example.org [] bounced {}",
        "e@example.org [] complained {}",
        "f@example.org [] unconfirmed {}",
    ];
    is("Kit", csv, &expected);
}

#[test]
fn a_list_with_chinese_headers() {
    let csv = "邮箱；姓名；订阅状态；城市\nli@example.org；李雷；已订阅；海口\nhan@example.org；韩梅梅；已退订；\nlin@example.org；；待确认；\n\
               tu@example.org；；退信；\ntou@example.org；；投诉；\n"
        .replace('；', ";");
    let (service, rows) = imported("list.csv", &csv, &[]);
    assert_eq!(service, None);
    let expected = [
        "li@example.org [李雷] active {\"城市\":\"海口\"}",
        "han@example.org [韩梅梅] unsubscribed {}",
        "lin@example.org [] unconfirmed {}",
        "tu@example.org [] bounced {}",
        "tou@example.org [] complained {}",
    ];
    assert_eq!(rows, expected);
    for header in ["电子邮件,昵称,状态", "邮件地址,称呼,状态", "邮箱地址,名字,状态"] {
        let rows = imported("list.csv", &format!("{header}\na@example.org,甲,正常\n"), &[]).1;
        assert_eq!(rows, ["a@example.org [甲] active {}"], "{header}");
    }
}
