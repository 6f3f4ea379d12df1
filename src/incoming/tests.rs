//! Messages of the kinds that mail systems send, and what must be read from them.

use proptest::prelude::*;

use super::*;

/// What was read, with addresses in full: kind, recipients, then what identifies the returned message.
fn read(message: &str) -> String {
    shown(&parse(message.as_bytes()))
}

fn shown(incoming: &Incoming) -> String {
    let mut lines = vec![format!("{:?}", incoming.kind)];
    for report in &incoming.recipients {
        let address = report.address.as_ref().map_or("-", EmailAddress::as_str);
        let status = report.status.as_deref().unwrap_or("-");
        let diagnostic = report.diagnostic.as_deref().unwrap_or("-");
        lines.push(format!("{address} {:?} {status} {:?}: {diagnostic}", report.action, report.class));
    }
    lines.extend(incoming.returned_id.iter().map(|id| format!("id {id}")));
    lines.extend(incoming.returned_links.iter().map(|link| format!("link {link}")));
    lines.extend(incoming.envelope_id.iter().map(|id| format!("envelope {id}")));
    lines.join("\n")
}

/// A message from a mail system, with this text.
fn from_daemon(text: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example.net>\nTo: bounces+tok@example.org\n\
         Subject: failure notice\n\n{text}"
    )
}

const REPORT: &str = "\
Return-Path: <>
Delivered-To: bounces+tok@example.org
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bounces+tok@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"

--b/1
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.net.

<mei@reader.example>: host mx.reader.example[192.0.2.7] said: 550 5.1.1
    <mei@reader.example>: Recipient address rejected: User unknown (in reply to RCPT TO command)

<jun@reader.example>: host mx.reader.example[192.0.2.7] said: 552 5.2.2 Over quota

--b/1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Original-Envelope-Id: 42-tok

Final-Recipient: rfc822; mei@reader.example
Original-Recipient: rfc822;mei@reader.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <mei@reader.example>: Recipient address rejected:
    User unknown

Final-Recipient: rfc822; jun@reader.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 Over quota

--b/1
Content-Type: message/rfc822

Return-Path: <bounces+tok@example.org>
From: The Lantern <editors@example.org>
To: mei@reader.example
Subject: The Lantern 7
Message-ID: <issue-7.mei@example.org>
List-Unsubscribe: <https://example.org/leave/tok>,
 <mailto:leave+tok@example.org>

Good evening.
--b/1--
";

const REPORT_SHOWN: &str = "\
Bounce
mei@reader.example Failed 5.1.1 BadAddress: 550 5.1.1 <mei@reader.example>: Recipient address rejected: User unknown
jun@reader.example Failed 5.2.2 Mailbox: 552 5.2.2 Over quota
id issue-7.mei@example.org
link https://example.org/leave/tok
link mailto:leave+tok@example.org
envelope 42-tok";

#[test]
fn a_delivery_report_is_read_though_it_says_auto_replied() {
    assert_eq!(read(REPORT), REPORT_SHOWN);
    let incoming = parse(REPORT.as_bytes());
    let delivered_to: Vec<&str> = incoming.delivered_to.iter().map(EmailAddress::as_str).collect();
    assert_eq!(delivered_to, ["bounces+tok@example.org", "mei@reader.example"]);
    assert_eq!(incoming.from.unwrap().as_str(), "MAILER-DAEMON@mx.example.net");
}

#[test]
fn line_ends_and_an_mbox_line_make_no_difference() {
    for message in [
        REPORT.replace('\n', "\r\n"),
        REPORT.replace('\n', "\r"),
        format!("From MAILER-DAEMON Mon Nov 30 17:00:00 2026\n{REPORT}"),
        format!("\n\n{REPORT}"),
    ] {
        assert_eq!(read(&message), REPORT_SHOWN);
    }
}

#[test]
fn only_failed_recipients_make_a_bounce() {
    let one = REPORT.replace("Action: failed\nStatus: 5.2.2", "Action: delayed\nStatus: 4.2.2");
    assert!(read(&one).starts_with("Bounce\n"), "{}", read(&one));
    let delayed = REPORT.replace("Action: failed", "Action: delayed");
    assert!(read(&delayed).starts_with("Delay\nmei@reader.example Delayed 5.1.1 Later:"), "{}", read(&delayed));
    let delivered = REPORT.replace("Action: failed", "Action: delivered");
    assert!(read(&delivered).starts_with("AutoReply\nmei@reader.example Delivered 5.1.1 Unknown:"));
}

#[test]
fn a_report_that_a_gateway_wrapped_is_read() {
    let wrapped = format!(
        "From: postmaster@gate.example.net\nTo: bounces+tok@example.org\nSubject: Delivery Status Notification\n\
         Content-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: message/rfc822\n\n{REPORT}\n--outer--\n"
    );
    assert_eq!(read(&wrapped), REPORT_SHOWN);
    let by_person = wrapped.replace("postmaster@gate.example.net", "Mei <mei@reader.example>");
    assert_eq!(read(&by_person), "Other");
}

#[test]
fn the_readable_part_says_what_the_other_lacks() {
    let message = REPORT
        .replace("Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <mei@reader.example>: Recipient address rejected:\n    User unknown\n", "Status: 5.0.0\n")
        .replace("\nFinal-Recipient: rfc822; jun@reader.example\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Over quota\n", "");
    assert_eq!(
        read(&message).lines().take(2).collect::<Vec<_>>(),
        [
            "Bounce",
            "mei@reader.example Failed 5.1.1 BadAddress: 550 5.1.1 <mei@reader.example>: Recipient address rejected: User \
             unknown (in reply to RCPT TO command)"
        ]
    );
}

#[test]
fn the_output_of_a_local_program_blames_no_address() {
    let message = REPORT.replace("Diagnostic-Code: smtp; 550 5.1.1", "Diagnostic-Code: x-unix; 550 5.1.1");
    let shown = read(&message);
    assert!(shown.contains("\nmei@reader.example Failed 5.1.1 Unknown: 550 5.1.1"), "{shown}");
}

const COMPLAINT: &str = "\
From: <feedback@provider.example>
To: abuse@example.org
Subject: FW: The Lantern 7
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Feedback/1.0
Version: 1
Original-Mail-From: <bounces+tok@example.org>
Original-Rcpt-To: <mei@reader.example>

--b
Content-Type: message/rfc822

From: editors@example.org
To: undisclosed
Message-ID: <issue-7.mei@example.org>
List-Unsubscribe: <https://example.org/leave/tok>

Good evening.
--b--
";

#[test]
fn a_complaint_names_the_reader_and_the_token() {
    let shown =
        "mei@reader.example Delivered - Unknown: -\nid issue-7.mei@example.org\nlink https://example.org/leave/tok";
    assert_eq!(read(COMPLAINT), format!("Complaint\n{shown}"));
    assert!(parse(COMPLAINT.as_bytes()).delivered_to.contains(&"bounces+tok@example.org".parse().unwrap()));
    let not_spam = COMPLAINT.replace("Feedback-Type: abuse", "Feedback-Type: not-spam");
    assert_eq!(read(&not_spam), format!("NotSpam\n{shown}"));
    let failed = COMPLAINT.replace("Feedback-Type: abuse", "Feedback-Type: auth-failure");
    assert_eq!(read(&failed), "Other");
}

#[test]
fn a_junk_mail_report_of_microsoft_is_a_complaint() {
    let message = "From: staff@hotmail.com\nTo: abuse@example.org\nSubject: complaint about message from 192.0.2.1\n\
        Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\
        X-HmXmrOriginalRecipient: mei@reader.example\nTo: mei@reader.example\nMessage-ID: <7@example.org>\n\nGood evening.\n--b--\n";
    assert_eq!(read(message), "Complaint\nmei@reader.example Delivered - Unknown: -\nid 7@example.org");
}

#[test]
fn bounces_in_no_standard_are_read() {
    let qmail = "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message to the \
        following addresses.\n\n<mei@reader.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
        <jun@reader.example>:\n192.0.2.9 said: 552 mailbox full\nGiving up on 192.0.2.9.\n\n\
        --- Below this line is a copy of the message.\n\nReturn-Path: <bounces+tok@example.org>\nMessage-ID: <7@example.org>\n\
        To: mei@reader.example\n\nGood evening, <other@reader.example>:\n550 5.1.1 unknown\n";
    assert_eq!(
        read(&from_daemon(qmail)),
        "Bounce\nmei@reader.example Failed 5.1.1 BadAddress: 550 5.1.1 <mei@reader.example>: Sorry, no mailbox here by that \
         name.\njun@reader.example Failed - Mailbox: 552 mailbox full Giving up on 192.0.2.9.\nid 7@example.org"
    );
    let exchange = "Your message\n\n  To:      The Lantern\n  Subject: The Lantern 7\n\ndid not reach the following \
        recipient(s):\n\nmei@reader.example on Mon, 30 Nov 2026 17:00:00 -0000\n    The recipient name is not recognized\n";
    assert_eq!(
        read(&from_daemon(exchange)),
        "Bounce\nmei@reader.example Failed - BadAddress: mei@reader.example on Mon, 30 Nov 2026 17:00:00 -0000 The recipient \
         name is not recognized"
    );
    let sentence = "There was an error delivering your mail to <mei@reader.example>.\n\nmx.reader.example did not like our \
        RCPT TO:\n550 5.1.1 No such user\n";
    assert_eq!(
        read(&from_daemon(sentence)),
        "Bounce\nmei@reader.example Failed 5.1.1 BadAddress: 550 5.1.1 No such user"
    );
}

#[test]
fn the_header_names_the_recipients_for_exim() {
    let message = "X-Failed-Recipients: mei@reader.example\nFrom: Mail Delivery System <Mailer-Daemon@mx.example.net>\n\
        Auto-Submitted: auto-replied\nSubject: Mail delivery failed\n\nThis message was created automatically.\n\n  \
        mei@reader.example\n    host mx.reader.example [192.0.2.7]\n    SMTP error from remote mail server after end of data:\n    \
        554 5.7.1 Blocked for spam\n";
    assert_eq!(read(message), "Bounce\nmei@reader.example Failed 5.7.1 Ours: 554 5.7.1 Blocked for spam");
}

#[test]
fn the_lines_of_the_server_count_in_a_transcript() {
    let transcript = "   ----- The following addresses had permanent fatal errors -----\n<mei@reader.example>\n\n   \
        ----- Transcript of session follows -----\n... while talking to mx.reader.example.:\n>>> DATA\n\
        <<< 553 SPF check failed\n550 5.1.1 <mei@reader.example>... User unknown\n<<< 503 5.0.0 Need RCPT (recipient)\n";
    assert_eq!(read(&from_daemon(transcript)), "Bounce\nmei@reader.example Failed - Ours: 553 SPF check failed");
}

#[test]
fn chinese_reports_are_read_with_or_without_a_charset() {
    let text =
        "邮件无法发送到您指定的地址中。\n\n<mei@reader.example>:\n用户不存在\n\n<jun@reader.example>:\n邮箱空间已满\n";
    let shown = "Bounce\nmei@reader.example Failed - BadAddress: <mei@reader.example>: 用户不存在\n\
        jun@reader.example Failed - Mailbox: <jun@reader.example>: 邮箱空间已满";
    for (encoding, charset) in [
        (encoding_rs::GB18030, "; charset=gb2312"),
        (encoding_rs::GB18030, ""),
        (encoding_rs::UTF_8, "; charset=utf-8"),
        (encoding_rs::UTF_8, ""),
    ] {
        let header =
            format!("From: MAILER-DAEMON@sina.example\nTo: b@example.org\nContent-Type: text/plain{charset}\n\n");
        let message = [header.as_bytes(), &encoding.encode(text).0].concat();
        assert_eq!(shown_of(&message), shown, "{charset}");
    }
}

/// The subject, the charset, the text, and what is read of its one recipient.
const EAST_ASIAN: [(&str, &encoding_rs::Encoding, &str, &str); 6] = [
    (
        "系统退信",
        encoding_rs::GBK,
        "您的邮件未能送达：\n\n无法发送到\nmei@reader.example\n退信原因\n收件人邮件地址（mei@reader.example）不存在。\n\
         host mx.reader.example said: 550 Mailbox not found\n",
        "BadAddress: 550 Mailbox not found",
    ),
    (
        "退信：灯塔 7",
        encoding_rs::GBK,
        "抱歉，您的邮件被退回来了。\n收件人：mei@reader.example\n退信原因：垃圾邮件。 554 DT:SPM 163 smtp5,AbC\n",
        "Ours: 554 DT:SPM 163 smtp5,AbC",
    ),
    (
        "系统退信/Systems bounce",
        encoding_rs::GB18030,
        "<mei@reader.example>\n\n原因: 对方邮箱容量已满\n",
        "Mailbox: <mei@reader.example> 原因: 对方邮箱容量已满",
    ),
    (
        "退信通知",
        encoding_rs::BIG5,
        "<mei@reader.example>: 郵箱不存在\n",
        "BadAddress: <mei@reader.example>: 郵箱不存在",
    ),
    (
        "メール配信エラー",
        encoding_rs::ISO_2022_JP,
        "配信できませんでした。\n\nmei@reader.example\n\n宛先不明\n",
        "BadAddress: mei@reader.example 宛先不明",
    ),
    (
        "반송",
        encoding_rs::EUC_KR,
        "받는사람: mei@reader.example\n존재하지 않는 사용자입니다.\n",
        "BadAddress: 받는사람: mei@reader.example 존재하지 않는 사용자입니다.",
    ),
];

#[test]
fn reports_of_east_asian_providers_are_read_in_their_charsets() {
    for (subject, encoding, text, judged) in EAST_ASIAN {
        let name = encoding.name();
        let header = format!(
            "From: PostMaster@mail.example\nSubject: {subject}\nContent-Type: text/plain; charset={name}\n\
             Content-Transfer-Encoding: 8bit\n\n"
        );
        let message = [header.as_bytes(), &encoding.encode(text).0].concat();
        let shown = shown_of(&message);
        let (recipient, reason) = judged.split_once(": ").unwrap();
        assert_eq!(shown, format!("Bounce\nmei@reader.example Failed - {recipient}: {reason}"), "{subject}");
    }
}

fn shown_of(message: &[u8]) -> String {
    shown(&parse(message))
}

#[test]
fn html_reports_are_read() {
    let message = "Return-Path: <>\nFrom: postmaster@mx.example.net\nSubject: Undeliverable: The Lantern 7\n\
        Content-Type: text/html; charset=utf-8\n\n<html><head><style>p { color: red }</style></head><body>\
        <p>Delivery has failed to these recipients:<br>&lt;mei@reader.example&gt;</p>\
        <p>The remote server said:<br>550 5.2.1 Mailbox&nbsp;disabled</p></body></html>\n";
    assert_eq!(read(message), "Bounce\nmei@reader.example Failed 5.2.1 Mailbox: 550 5.2.1 Mailbox disabled");
}

#[test]
fn a_report_that_names_no_one_is_about_whom_the_message_was_sent_to() {
    let text = "Your message could not be delivered.\n\n--- Original message follows.\nReceived: from example.org\n\
        To: mei@reader.example\nMessage-ID: <7@example.org>\n";
    let shown = "Unknown: Your message could not be delivered.\nid 7@example.org";
    assert_eq!(read(&from_daemon(text)), format!("Bounce\nmei@reader.example Failed - {shown}"));
    let two = text.replace("To: mei@reader.example", "To: mei@reader.example, jun@reader.example");
    assert_eq!(read(&from_daemon(&two)), format!("Bounce\n- Failed - {shown}"));
    // Of two addresses in a sentence, no one can tell which it is.
    let unclear = "Your message to mei@reader.example was not delivered; ask jun@reader.example for the address.\n";
    assert_eq!(read(&from_daemon(unclear)), format!("Bounce\n- Failed - Unknown: {}", unclear.trim_end()));
}

#[test]
fn a_warning_is_no_bounce() {
    let text = "THIS IS A WARNING MESSAGE ONLY.\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n<mei@reader.example>:\n\
        Connection timed out; message will be retried\n";
    let shown = read(&from_daemon(text));
    assert!(shown.starts_with("Delay\nmei@reader.example Delayed - Later: "), "{shown}");
}

#[test]
fn automatic_answers_are_no_bounces() {
    for header in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=mei@reader.example",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Autorespond: vacation",
        "Return-Path: <>",
        "Subject: Automatic reply: The Lantern 7",
        "Subject: Out of Office",
        "Subject: =?utf-8?B?6Ieq5Yqo5Zue5aSNOiBUaGUgTGFudGVybiA3?=",
        "Subject: [Abwesenheit] bis Montag",
    ] {
        let message =
            format!("{header}\nFrom: Mei <mei@reader.example>\nTo: editors@example.org\n\nI am away until May.\n");
        assert_eq!(read(&message), "AutoReply", "{header}");
    }
}

#[test]
fn an_answer_of_someone_who_left_is_no_bounce() {
    let message = "Return-Path: <>\nFrom: Mei <mei@reader.example>\nSubject: I have left\n\nYour mail was not delivered; \
        write to jun@reader.example.\n";
    assert_eq!(read(message), "AutoReply");
    let bounce = message.replace("delivered;", "delivered: 550 5.2.1 Disabled;");
    assert!(read(&bounce).starts_with("Bounce\njun@reader.example Failed 5.2.1 Mailbox"), "{}", read(&bounce));
}

#[test]
fn what_a_person_writes_is_left_as_it_is() {
    let bounce = "Hi. This is the qmail-send program.\n\n<mei@reader.example>:\n550 5.1.1 No such user\n";
    for (subject, text) in [
        ("Thank you", "I liked the last issue. My friend mei@reader.example did too.".to_owned()),
        ("Fwd: failure notice", format!("What does this mean?\n\n{bounce}")),
        ("Re: Undelivered Mail Returned to Sender", bounce.to_owned()),
        ("A question on bounces", format!("I got this:\n\n{bounce}")),
        ("", String::new()),
    ] {
        let header = "Auto-Submitted: no\nReturn-Path: <jun@reader.example>\nFrom: Jun <jun@reader.example>";
        let message = format!("{header}\nTo: editors@example.org\nSubject: {subject}\n\n{text}\n");
        assert_eq!(read(&message), "Other", "{subject}");
    }
    assert_eq!(parse(b""), Incoming::default());
    assert_eq!(parse(b"\xff\xfe\x00"), Incoming::default());
}

#[test]
fn messages_within_messages_are_read_ten_levels_deep() {
    let deep = |levels: usize| {
        let level = "From: MAILER-DAEMON@mx.example.net\nContent-Type: message/rfc822\n\n";
        format!("{}{REPORT}", level.repeat(levels))
    };
    assert_eq!(read(&deep(1)), REPORT_SHOWN);
    // Deeper ones are someone's trial of the stack.
    for levels in [2, 20, 400, 20_000] {
        assert!(!matches!(parse(deep(levels).as_bytes()).kind, Kind::Bounce), "{levels}");
    }
    let parts = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(20_000);
    assert_eq!(read(&parts), "Other");
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        parse(&bytes);
    }

    /// A report with a piece cut out, doubled or overwritten is read too.
    #[test]
    fn a_damaged_report_is_read(
        (start, length) in (0..REPORT.len(), 0usize..200),
        piece in "[ -~\n]{0,20}",
        doubled: bool,
    ) {
        let end = (start + length).min(REPORT.len());
        let middle = if doubled { REPORT[start..end].repeat(2) } else { piece };
        let incoming = parse(format!("{}{middle}{}", &REPORT[..start], &REPORT[end..]).as_bytes());
        for report in incoming.recipients {
            prop_assert!(!report.diagnostic.unwrap_or_default().contains('\n'));
        }
    }
}
