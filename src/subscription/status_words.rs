//! Words about a subscriber's status: those understood in any list, and those that only look like it.
//!
//! The search deliberately covers more than what is understood: mistaking a status column for another one would mail
//! people who unsubscribed.

use crate::subscriber::Status;
use crate::subscription::services::normalized;

/// Words of the status column in an ordinary list, besides the names of statuses. An empty cell means active.
pub(super) const STATUS_WORDS: [(Status, &[&str]); 6] = [
    (
        Status::Active,
        &["", "subscribed", "已订阅", "订阅中", "正常", "有效", "活跃", "已確認", "已确认", "訂閱中", "已訂閱"],
    ),
    (Status::Unconfirmed, &["未确认", "待确认", "未確認", "待確認"]),
    (Status::Unsubscribed, &["left", "已退订", "取消订阅", "已取消订阅", "退订", "已退訂", "退訂", "取消訂閱"]),
    (Status::Bounced, &["退信", "无效", "已退信", "無效"]),
    (Status::Complained, &["投诉", "已投诉", "投訴"]),
    (Status::Suppressed, &["黑名单", "黑名單"]),
];

/// Headers of the status column in an ordinary list.
pub(super) const STATUS_HEADERS: [&str; 6] = ["status", "状态", "订阅状态", "狀態", "訂閱狀態", "邮件状态"];

/// Words in a header that suggest a status, in likely languages.
const HEADER_WORDS: &[&str] = &[
    "status", "state", "subscribed", "subscription", "active", "inactive", "confirmed", "unconfirmed", "bounced",
    "bounce", "bounces", "cleaned", "complained", "complaint", "complaints", "suppressed", "suppression", "enabled",
    "disabled", "deleted", "removed", "blocked", "blacklisted", "blocklisted", "undeliverable", "deliverable",
    "invalid", "valid", "mailable", "emailable", "churned", "left", "cancelled", "canceled", "consent", "optin",
    "archived", "estado", "statut", "stato", "aktiv", "actif", "activo", "attivo", "baja", "inscrit",
];

/// Parts of a header that suggest a status anywhere, without spaces and punctuation.
const HEADER_PARTS: &[&str] = &[
    "unsub",
    "optout",
    "optedout",
    "optin",
    "optedin",
    "bounced",
    "complain",
    "suppress",
    "blacklist",
    "blocklist",
    "unconfirm",
    "disabled",
    "deletedat",
    "isactive",
    "issubscribed",
    "donotemail",
    "donotmail",
    "donotcontact",
    "emailstatus",
    "substatus",
    "subscriptionstat",
    "abgemeldet",
    "abmeld",
    "désinscri",
    "desinscri",
    "désabonn",
    "desabonn",
    "状态",
    "狀態",
    "退订",
    "退訂",
    "订阅",
    "訂閱",
    "取消",
    "投诉",
    "投訴",
    "退信",
    "有效",
    "注销",
    "註銷",
    "黑名单",
    "黑名單",
    "屏蔽",
    "确认",
    "確認",
    "配信",
    "解除",
    "ステータス",
    "상태",
    "구독",
    "수신",
];

/// Exceptions: headers about when and how a subscriber joined.
const ABOUT_JOINING: &[&str] = &[
    "subscribedat",
    "subscribedon",
    "subscribeddate",
    "datesubscribed",
    "subscriptiondate",
    "subscriptiontime",
    "subscriptionid",
    "订阅时间",
    "订阅日期",
    "订阅来源",
    "訂閱時間",
    "訂閱日期",
    "訂閱來源",
];

/// The prefix of more exceptions, such as `Subscription source (paid)`.
const JOINED_BY: &str = "subscriptionsource";

/// Headers that say nothing, so that more words in their cells suggest a status.
const VAGUE_HEADERS: &[&str] = &["type", "kind", "group", "category", "segment", "stage", "类型", "类别", "分组"];

/// Words in headers under which a yes or no may be about mail.
const WORDS_OF_MAIL: &[&str] = &[
    "newsletter", "newsletters", "mailing", "mailings", "mail", "mails", "mailinglist", "email", "emails", "marketing",
    "send", "receive", "receives", "wants", "permission", "permitted", "gdpr", "dsgvo", "accepts", "allowed", "notify",
    "notifications", "opted", "verified", "邮件", "接收", "通知", "郵件",
];

/// Yes or no.
const YES_OR_NO: &[&str] =
    &["yes", "no", "true", "false", "1", "0", "y", "n", "on", "off", "x", "是", "否", "ja", "nein", "oui", "non"];

/// Which words to look for in the cells of a column, by its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CellVocabulary {
    /// Words about the status anywhere.
    Any,
    /// More words, because the header is vague.
    Vague,
    /// Yes and no too, because the header is about mail.
    Mail,
}

/// Cells about the status under any header.
const CELLS: &[&str] = &[
    "unsubscribed", "unsubscribe", "subscribed", "inactive", "opted out", "opted-out", "opted_out", "optout",
    "opt-out", "opt out", "bounced", "hard bounce", "soft bounce", "hard_bounce", "soft_bounce", "hardbounce",
    "cleaned", "complained", "complaint", "spam complaint", "unconfirmed", "suppressed", "blocklisted", "blacklisted",
    "undeliverable", "unactivated", "do not email", "abgemeldet", "已退订", "退订", "取消订阅", "已订阅", "未确认",
    "待确认", "退信", "投诉", "已退訂", "退訂", "取消訂閱", "未確認",
];

/// Cells about the status under a vague header.
const CELLS_OF_VAGUE: &[&str] = &[
    "active", "pending", "cancelled", "canceled", "disabled", "enabled", "invalid", "confirmed", "removed", "deleted",
    "left", "blocked", "archived", "junk", "spam", "regular", "有效", "无效", "正常",
];

/// Whether a column may be the status, by its header.
pub(super) fn may_be_status_header(header: &str) -> bool {
    let whole = normalized(header);
    if ABOUT_JOINING.contains(&whole.as_str()) || whole.starts_with(JOINED_BY) {
        return false;
    }
    HEADER_PARTS.iter().any(|part| whole.contains(part))
        || words(header).iter().any(|word| HEADER_WORDS.contains(&word.as_str()))
}

/// The words to look for in the cells of a column with this header.
pub(super) fn cell_vocabulary(header: &str) -> CellVocabulary {
    let is_of_mail = |word: &str| {
        WORDS_OF_MAIL.contains(&word) || !word.is_ascii() && WORDS_OF_MAIL.iter().any(|part| word.contains(part))
    };
    if VAGUE_HEADERS.contains(&normalized(header).as_str()) {
        CellVocabulary::Vague
    } else if words(header).iter().any(|word| is_of_mail(word)) {
        CellVocabulary::Mail
    } else {
        CellVocabulary::Any
    }
}

/// Whether a column may be the status, by one of its cells. Called for every cell of a list.
pub(super) fn may_be_status_cell(cell: &str, cell_vocabulary: CellVocabulary) -> bool {
    const MAX_CELL_BYTES: usize = 16;
    if cell.is_empty() || cell.len() > MAX_CELL_BYTES {
        return false;
    }
    let is_in = |words: &[&str]| words.iter().any(|word| word.len() == cell.len() && word.eq_ignore_ascii_case(cell));
    is_in(CELLS)
        || match cell_vocabulary {
            CellVocabulary::Any => false,
            CellVocabulary::Vague => is_in(CELLS_OF_VAGUE),
            CellVocabulary::Mail => is_in(CELLS_OF_VAGUE) || is_in(YES_OR_NO),
        }
}

/// A cell for comparison: lower case, words joined by underscores. Signs are kept: `-1` is not `1`.
pub(super) fn normalized_cell(cell: &str) -> String {
    cell.trim().to_lowercase().replace([' ', '-'], "_")
}

/// The words of a header in lower case: `emailStatus` and `EMAIL_STATUS` have two.
fn words(header: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for char in header.chars() {
        if !char.is_alphanumeric() || (char.is_uppercase() && was_lower) {
            words.push(std::mem::take(&mut word));
        }
        if char.is_alphanumeric() {
            word.extend(char.to_lowercase());
        }
        was_lower = char.is_lowercase();
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_may_be_a_status_are_found() {
        for header in [
            "Status",
            "STATE",
            "subscribed",
            "is_active",
            "isActive",
            "Unsubscribed?",
            "UNSUB_TIME",
            "unsubscribedAt",
            "opt_out",
            "Opt-Out",
            "opted out",
            "email_disabled",
            "deleted_at",
            "Bounced",
            "cleaned",
            "confirmed",
            "Email Status",
            "emailStatus",
            "subscription_status",
            "subscription",
            "Do not email",
            "订阅状态",
            "状态",
            "是否退订",
            "is subscribed",
        ] {
            assert!(may_be_status_header(header), "{header}");
        }
        for header in [
            "city",
            "company",
            "plan",
            "tags",
            "created",
            "Subscribed at",
            "Subscription source (free)",
            "subscription_date",
            "type",
            "notes",
            "城市",
            "estate",
            "activity",
            "country",
            "birthday",
            "gender",
            "United States",
            "订阅时间",
            "",
        ] {
            assert!(!may_be_status_header(header), "{header}");
        }
    }

    #[test]
    fn cells_that_may_be_a_status_are_found() {
        for cell in ["Unsubscribed", "BOUNCED", "opted out", "已退订", "cleaned"] {
            assert!(may_be_status_cell(cell, cell_vocabulary("remark")), "{cell}");
        }
        for cell in ["", "active", "Berlin", "pro", "yes", "0", "the list of those who unsubscribed", "海口"] {
            assert!(!may_be_status_cell(cell, cell_vocabulary("remark")), "{cell}");
        }
        assert!(
            may_be_status_cell("Active", cell_vocabulary("Type"))
                && may_be_status_cell("cancelled", cell_vocabulary("类型"))
        );
        for header in ["Newsletter", "accepts_email_marketing", "mails", "Send emails?", "接收邮件"] {
            assert!(
                may_be_status_cell("No", cell_vocabulary(header)) && may_be_status_cell("1", cell_vocabulary(header)),
                "{header}"
            );
        }
        assert!(
            !may_be_status_cell("1", cell_vocabulary("VIP"))
                && !may_be_status_cell("Berlin", cell_vocabulary("Email city"))
        );
    }

    #[test]
    fn every_known_cell_is_short_enough() {
        let all = CELLS.iter().chain(CELLS_OF_VAGUE).chain(YES_OR_NO);
        assert_eq!(
            all.filter(|cell| !may_be_status_cell(cell, CellVocabulary::Mail)).collect::<Vec<_>>(),
            Vec::<&&str>::new()
        );
    }

    #[test]
    fn signs_are_not_dropped() {
        assert_ne!(normalized_cell("-1"), normalized_cell("1"));
        assert_eq!(normalized_cell(" Past-Due "), normalized_cell("past due"));
    }
}
