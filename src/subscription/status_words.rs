//! Words that say whether to write to somebody: those that are understood in any list, and those that only look like it.
//!
//! Takes headers and cells as the list has them. What is looked for is deliberately more than what is understood: a column
//! that may be about the status and is taken for another is how people who left get mail again.

use crate::subscriber::Status;
use crate::subscription::services::normalized;

/// Words of the column of the status in an ordinary list, beside those of the statuses themselves. A blank cell means that
/// there is nothing against them.
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

/// Headers of the column of the status in an ordinary list.
pub(super) const STATUS_HEADERS: [&str; 6] = ["status", "状态", "订阅状态", "狀態", "訂閱狀態", "邮件状态"];

/// Words of which one in a header is enough, in any language that is likely.
const HEADER_WORDS: &[&str] = &[
    "status", "state", "subscribed", "subscription", "active", "inactive", "confirmed", "unconfirmed", "bounced",
    "bounce", "bounces", "cleaned", "complained", "complaint", "complaints", "suppressed", "suppression", "enabled",
    "disabled", "deleted", "removed", "blocked", "blacklisted", "blocklisted", "undeliverable", "deliverable",
    "invalid", "valid", "mailable", "emailable", "churned", "left", "cancelled", "canceled", "consent", "optin",
    "archived", "estado", "statut", "stato", "aktiv", "actif", "activo", "attivo", "baja", "inscrit",
];

/// Parts of a header that say it wherever they stand, without spaces and punctuation.
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

/// What a header with such a word is about all the same: when and how somebody came.
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

/// How such headers may begin: `Subscription source (paid)`.
const JOINED_BY: &str = "subscriptionsource";

/// Headers that say nothing, so that less in their cells is enough.
const VAGUE_HEADERS: &[&str] = &["type", "kind", "group", "category", "segment", "stage", "类型", "类别", "分组"];

/// Words of headers under which a yes or a no may be about mail.
const WORDS_OF_MAIL: &[&str] = &[
    "newsletter", "newsletters", "mailing", "mailings", "mail", "mails", "mailinglist", "email", "emails", "marketing",
    "send", "receive", "receives", "wants", "permission", "permitted", "gdpr", "dsgvo", "accepts", "allowed", "notify",
    "notifications", "opted", "verified", "邮件", "接收", "通知", "郵件",
];

/// A yes or a no.
const YES_OR_NO: &[&str] =
    &["yes", "no", "true", "false", "1", "0", "y", "n", "on", "off", "x", "是", "否", "ja", "nein", "oui", "non"];

/// What its header makes the cells of a column be looked at for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CellVocabulary {
    /// Words that are about the status anywhere.
    Any,
    /// More words, for the header says nothing.
    Vague,
    /// A yes or a no, too, for the header is about mail.
    Mail,
}

/// Cells that are about the status under any header.
const CELLS: &[&str] = &[
    "unsubscribed", "unsubscribe", "subscribed", "inactive", "opted out", "opted-out", "opted_out", "optout",
    "opt-out", "opt out", "bounced", "hard bounce", "soft bounce", "hard_bounce", "soft_bounce", "hardbounce",
    "cleaned", "complained", "complaint", "spam complaint", "unconfirmed", "suppressed", "blocklisted", "blacklisted",
    "undeliverable", "unactivated", "do not email", "abgemeldet", "已退订", "退订", "取消订阅", "已订阅", "未确认",
    "待确认", "退信", "投诉", "已退訂", "退訂", "取消訂閱", "未確認",
];

/// Cells that are so under a vague one.
const CELLS_OF_VAGUE: &[&str] = &[
    "active", "pending", "cancelled", "canceled", "disabled", "enabled", "invalid", "confirmed", "removed", "deleted",
    "left", "blocked", "archived", "junk", "spam", "regular", "有效", "无效", "正常",
];

/// Whether a column may be about the status, by its header.
pub(super) fn may_be_status_header(header: &str) -> bool {
    let whole = normalized(header);
    if ABOUT_JOINING.contains(&whole.as_str()) || whole.starts_with(JOINED_BY) {
        return false;
    }
    HEADER_PARTS.iter().any(|part| whole.contains(part))
        || words(header).iter().any(|word| HEADER_WORDS.contains(&word.as_str()))
}

/// What to look for in the cells of a column of this header.
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

/// Whether a column may be about the status, by one of its cells. Called for every cell of a list.
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

/// A word of a cell as it is compared: lower case, and one way to part its words. No sign is dropped: `-1` is not `1`.
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
    fn headers_that_may_tell_the_status_are_found() {
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
    fn cells_that_may_tell_the_status_are_found() {
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
    fn every_cell_that_is_looked_for_is_short_enough() {
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
