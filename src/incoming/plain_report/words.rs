//! The words by which a bounce in no standard is known.
//!
//! Takes subject and text; says whether they are those of a bounce, of one that is only a warning, or of an answer.

/// Whether a subject begins as those of bounces do.
pub fn begin_bounce(subject: &str) -> bool {
    let subject = subject.to_lowercase();
    SUBJECTS.iter().any(|words| subject.contains(words))
}

/// Whether a text says that a message was not delivered.
pub fn say_failed(text: &str) -> bool {
    let text = flat(text);
    FAILED.iter().any(|words| text.contains(words)) || say_delayed("", &text)
}

/// Whether it is a warning: the message is still being tried.
pub fn say_delayed(subject: &str, text: &str) -> bool {
    let (subject, text) = (subject.to_lowercase(), flat(text));
    let is_final = GIVEN_UP.iter().any(|words| text.contains(words));
    !is_final
        && (DELAYED_SUBJECTS.iter().any(|words| subject.contains(words))
            || DELAYED.iter().any(|words| text.contains(words)))
}

/// Whether a subject is one of a person who answers or forwards.
pub fn are_an_answer(subject: &str) -> bool {
    let subject = subject.trim_start().to_lowercase();
    ["re:", "fwd:", "fw:", "aw:", "wg:", "tr:", "rv:", "sv:", "回复:", "回复：", "转发:", "转发："]
        .iter()
        .any(|words| subject.starts_with(words))
}

/// Lower case, with one space between words: reports break their lines anywhere.
fn flat(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

const SUBJECTS: &[&str] = &[
    "undeliver",
    "non-deliver",
    "nondeliver",
    "not delivered",
    "failure notice",
    "delivery status",
    "delivery failure",
    "delivery failed",
    "delivery problem",
    "delivery has failed",
    "delivery report",
    "delivery notification",
    "failed delivery",
    "failure delivery",
    "mail failure",
    "mail failed",
    "failed mail",
    "mail error",
    "mail system error",
    "returned mail",
    "return mail",
    "returning message to sender",
    "returned to sender",
    "could not be delivered",
    "couldn't be delivered",
    "error sending your mail",
    "user unknown",
    "delivery error",
    "message delayed",
    "delayed mail",
    "has not yet been delivered",
    "delivery warning",
    "automatically rejected",
    "unzustellbar",
    "non remis",
    "no se puede entregar",
    "non recapitabile",
    "退信",
    "退回",
    "投递失败",
    "传输失败",
    "傳輸失敗",
    "无法投递",
    "無法投遞",
    "配信エラー",
    "配信不能",
    "送信エラー",
    "メールエラー",
    "エラー通知",
    "반송",
    "недостав",
    "не доставлено",
];

const FAILED: &[&str] = &[
    "has been returned",
    "could not be delivered",
    "couldn't be delivered",
    "cannot be delivered",
    "can't be delivered",
    "was not delivered",
    "not delivered",
    "undeliverable",
    "undelivered",
    "unable to deliver",
    "unable to be delivered",
    "not able to deliver",
    "wasn't able to deliver",
    "could not deliver",
    "failed to deliver",
    "did not reach",
    "didn't reach",
    "delivery failed",
    "delivery has failed",
    "delivery failure",
    "delivery to the following",
    "had permanent fatal errors",
    "had delivery problems",
    "had delivery errors",
    "did not receive",
    "following recipients",
    "following recipient(s)",
    "failed recipients",
    "failed recipient",
    "following address",
    "error delivering",
    "trouble delivering",
    "permanent error",
    "user unknown",
    "unknown user",
    "no such user",
    "automatically rejected",
    "returned mail",
    "failure reasons",
    "final delivery",
    "- transcript of session",
    "mail box space",
    "无法发送",
    "无法投递",
    "退回",
    "退信",
    "投递失败",
    "发送失败",
    "送信できません",
    "配信できません",
    "送達できません",
    "送信に失敗",
    "エラーメッセージ",
    "전송되지",
    "전달하지 못",
    "не может быть",
];

const DELAYED_SUBJECTS: &[&str] = &["delayed", "(delay)", "warning: could not send", "not yet been delivered"];

const DELAYED: &[&str] = &[
    "has not yet been delivered",
    "not yet been delivered",
    "has been delayed",
    "delivery attempts will continue",
    "will continue to try",
    "will be retried",
    "will keep trying",
    "warning message only",
    "do not need to resend",
    "no action is required on your part",
    "delivery attempts have been deferred",
    "has been postponed",
    "still being retried",
    "remains in the queue",
    "temporarily delayed",
    "incomplete delivery",
];

/// Words that make an end of it.
const GIVEN_UP: &[&str] = &["giving up", "given up", "permanent error", "permanent failure", "permanently"];
