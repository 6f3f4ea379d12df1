//! The fixed texts of transactional messages. In all of them `{publication}` becomes the publication's title.

/// The texts of transactional messages in a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageTexts {
    /// A request to subscribe is to be confirmed.
    pub confirm: MessageText,
    /// The same where only mail confirms.
    pub confirm_by_mail: MessageText,
    /// Someone asked that a subscriber be subscribed.
    pub subscribed: MessageText,
    /// A subscriber has left.
    pub goodbye: MessageText,
    /// A subscriber asked for their links.
    pub links: MessageText,
    /// That a reply confirms, too.
    pub or_reply: &'static str,
    /// On the link by which no further request is confirmed.
    pub never: &'static str,
    /// On the link to the publication.
    pub home: &'static str,
}

/// The texts of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageText {
    /// The subject.
    pub subject: &'static str,
    /// What has happened.
    pub text: &'static str,
    /// On the button; empty without one.
    pub action: &'static str,
    /// What else to know; empty if nothing.
    pub note: &'static str,
}

pub(super) const ENGLISH: MessageTexts = MessageTexts {
    confirm: MessageText {
        subject: "Please confirm your subscription to {publication}",
        text: "Someone, probably you, asked to subscribe this address to {publication}. If it was you, open the link and press \
               the button on the page.",
        action: "Confirm subscription",
        note: "The link works for 7 days. If it was not you, there is nothing to do: without your confirmation you are not \
               subscribed.",
    },
    confirm_by_mail: MessageText {
        subject: "Please confirm your subscription to {publication}",
        text: "Someone, probably you, asked to subscribe this address to {publication}. If it was you, reply to this email, or open \
               the link and send the email that it opens. Nothing has to be written in it.",
        action: "Confirm subscription",
        note: "This works for 7 days. If it was not you, please do not reply: without your confirmation you are not subscribed.",
    },
    subscribed: MessageText {
        subject: "You are subscribed to {publication}",
        text: "Someone, probably you, asked to subscribe this address to {publication}. It is subscribed already, so there is \
               nothing to do.",
        action: "",
        note: "",
    },
    goodbye: MessageText {
        subject: "You have left {publication}",
        text: "You are unsubscribed from {publication} and will get no further issues. If that was a mistake, you can undo it \
               within 30 days.",
        action: "Undo",
        note: "",
    },
    links: MessageText {
        subject: "Your links for {publication}",
        text: "Here are the links for your subscription to {publication}, as you asked.",
        action: "",
        note: "If it was not you who asked, you can ignore this email. Please do not forward it: anyone who has the link can \
               unsubscribe you.",
    },
    or_reply: "You can also confirm by replying to this email.",
    never: "Never ask me again",
    home: "Visit the website",
};

pub(super) const SIMPLIFIED_CHINESE: MessageTexts = MessageTexts {
    confirm: MessageText {
        subject: "请确认订阅《{publication}》",
        text: "有人（很可能是你本人）申请用这个邮箱地址订阅《{publication}》。如果是你，请打开链接，并点击页面上的按钮。",
        action: "确认订阅",
        note: "链接 7 天内有效。如果不是你本人申请的，不必理会这封邮件：未经你确认，订阅不会生效。",
    },
    confirm_by_mail: MessageText {
        subject: "请确认订阅《{publication}》",
        text: "有人（很可能是你本人）申请用这个邮箱地址订阅《{publication}》。如果是你，请直接回复这封邮件，或打开链接并发送随之打开的邮件，\
               正文可以留空。",
        action: "确认订阅",
        note: "7 天内有效。如果不是你本人申请的，请不要回复这封邮件：未经你确认，订阅不会生效。",
    },
    subscribed: MessageText {
        subject: "你已订阅《{publication}》",
        text: "有人（很可能是你本人）申请用这个邮箱地址订阅《{publication}》。这个地址已经订阅，不需要再做什么。",
        action: "",
        note: "",
    },
    goodbye: MessageText {
        subject: "你已退订《{publication}》",
        text: "你已退订《{publication}》，以后不会再收到新的一期。如果是误操作，30 天内可以撤销。",
        action: "撤销退订",
        note: "",
    },
    links: MessageText {
        subject: "《{publication}》的订阅链接",
        text: "这是你索取的《{publication}》订阅链接。",
        action: "",
        note: "如果不是你本人索取的，不必理会这封邮件。请不要转发：任何人拿到链接都可以替你退订。",
    },
    or_reply: "也可以直接回复这封邮件来确认。",
    never: "以后不要再问我",
    home: "访问网站",
};

pub(super) const TRADITIONAL_CHINESE: MessageTexts = MessageTexts {
    confirm: MessageText {
        subject: "請確認訂閱《{publication}》",
        text: "有人（很可能是您本人）申請以這個電子郵件地址訂閱《{publication}》。如果是您，請開啟連結，並點選頁面上的按鈕。",
        action: "確認訂閱",
        note: "連結在 7 天內有效。如果不是您本人申請的，不必理會這封郵件：未經您確認，訂閱不會生效。",
    },
    confirm_by_mail: MessageText {
        subject: "請確認訂閱《{publication}》",
        text: "有人（很可能是您本人）申請以這個電子郵件地址訂閱《{publication}》。如果是您，請直接回覆這封郵件，或開啟連結並寄出隨之開啟的郵件，\
               內容可以留空。",
        action: "確認訂閱",
        note: "7 天內有效。如果不是您本人申請的，請不要回覆這封郵件：未經您確認，訂閱不會生效。",
    },
    subscribed: MessageText {
        subject: "您已訂閱《{publication}》",
        text: "有人（很可能是您本人）申請以這個電子郵件地址訂閱《{publication}》。這個地址已經訂閱，不需要再做任何事。",
        action: "",
        note: "",
    },
    goodbye: MessageText {
        subject: "您已取消訂閱《{publication}》",
        text: "您已取消訂閱《{publication}》，之後不會再收到新的一期。如果是誤按，30 天內可以復原。",
        action: "復原訂閱",
        note: "",
    },
    links: MessageText {
        subject: "《{publication}》的訂閱連結",
        text: "這是您索取的《{publication}》訂閱連結。",
        action: "",
        note: "如果不是您本人索取的，不必理會這封郵件。請勿轉寄：任何人取得連結都可以替您取消訂閱。",
    },
    or_reply: "您也可以直接回覆這封郵件來確認。",
    never: "以後不要再問我",
    home: "前往網站",
};

pub(super) const JAPANESE: MessageTexts = MessageTexts {
    confirm: MessageText {
        subject: "「{publication}」の購読をご確認ください",
        text: "このメールアドレスで「{publication}」の購読の申し込みがありました。ご本人の場合は、リンクを開き、表示されたページの\
               ボタンを押してください。",
        action: "購読を確定する",
        note: "リンクの有効期限は7日間です。お心当たりのない場合は、何もしていただく必要はありません。ご確認がないかぎり、購読は\
               始まりません。",
    },
    confirm_by_mail: MessageText {
        subject: "「{publication}」の購読をご確認ください",
        text: "このメールアドレスで「{publication}」の購読の申し込みがありました。ご本人の場合は、このメールに返信するか、リンクを開いて\
               表示されたメールを送信してください。本文は空でかまいません。",
        action: "購読を確定する",
        note: "有効期限は7日間です。お心当たりのない場合は、返信しないでください。ご確認がないかぎり、購読は始まりません。",
    },
    subscribed: MessageText {
        subject: "「{publication}」を購読中です",
        text: "このメールアドレスで「{publication}」の購読の申し込みがありました。すでに購読登録されていますので、お手続きは必要\
               ありません。",
        action: "",
        note: "",
    },
    goodbye: MessageText {
        subject: "「{publication}」の配信を停止しました",
        text: "「{publication}」の配信を停止しました。今後、新しい号は届きません。お間違えの場合は、30日以内であれば元に戻せます。",
        action: "配信停止を取り消す",
        note: "",
    },
    links: MessageText {
        subject: "「{publication}」の購読用リンク",
        text: "ご依頼のあった「{publication}」の購読用リンクをお送りします。",
        action: "",
        note: "お心当たりのない場合は、このメールを破棄してください。リンクがあれば誰でも配信を停止できますので、転送はお控えください。",
    },
    or_reply: "このメールに返信して確定することもできます。",
    never: "今後、確認メールを受け取らない",
    home: "ウェブサイトを開く",
};

pub(super) const KOREAN: MessageTexts = MessageTexts {
    confirm: MessageText {
        subject: "‘{publication}’ 구독을 확인해 주세요",
        text: "이 메일 주소로 ‘{publication}’ 구독 신청이 들어왔습니다. 본인이 신청하셨다면 링크를 열고 페이지에 있는 버튼을 눌러 \
               주세요.",
        action: "구독 확인하기",
        note: "링크는 7일 동안 유효합니다. 신청하신 적이 없다면 아무것도 하지 않으셔도 됩니다. 확인하지 않으면 구독은 시작되지 \
               않습니다.",
    },
    confirm_by_mail: MessageText {
        subject: "‘{publication}’ 구독을 확인해 주세요",
        text: "이 메일 주소로 ‘{publication}’ 구독 신청이 들어왔습니다. 본인이 신청하셨다면 이 메일에 답장하시거나, 링크를 열어 나타나는 \
               메일을 그대로 보내 주세요. 내용은 비워 두셔도 됩니다.",
        action: "구독 확인하기",
        note: "7일 동안 유효합니다. 신청하신 적이 없다면 답장하지 마세요. 확인하지 않으면 구독은 시작되지 않습니다.",
    },
    subscribed: MessageText {
        subject: "이미 ‘{publication}’ 구독 중입니다",
        text: "이 메일 주소로 ‘{publication}’ 구독 신청이 들어왔습니다. 이미 구독 중이므로 따로 하실 일은 없습니다.",
        action: "",
        note: "",
    },
    goodbye: MessageText {
        subject: "‘{publication}’ 구독이 취소되었습니다",
        text: "‘{publication}’ 구독이 취소되어 앞으로 새 글을 보내 드리지 않습니다. 실수로 취소하셨다면 30일 안에 되돌릴 수 있습니다.",
        action: "구독 취소 되돌리기",
        note: "",
    },
    links: MessageText {
        subject: "‘{publication}’ 구독 링크",
        text: "요청하신 ‘{publication}’ 구독 링크를 보내 드립니다.",
        action: "",
        note: "요청하신 적이 없다면 이 메일은 무시하셔도 됩니다. 링크가 있으면 누구나 구독을 취소할 수 있으니 다른 사람에게 전달하지 \
               마세요.",
    },
    or_reply: "이 메일에 답장하여 확인하실 수도 있습니다.",
    never: "다시는 묻지 않기",
    home: "웹사이트로 이동",
};
