//! The exports of other services: how they are recognised, and what their columns mean.
//!
//! Headers are compared without case, spaces and punctuation. When adding a service, include every status that its
//! documentation names, because an unknown one stops the import, and extend the table in docs/subscribers.md.

use Status::{Active, Bounced, Complained, Suppressed, Unconfirmed, Unsubscribed};

use crate::subscriber::Status;

/// An export of a service.
pub(super) struct Service {
    /// Its name.
    pub name: &'static str,
    /// Columns that it always has. `a|b` means either.
    pub required: &'static [&'static str],
    /// Columns of which it has at least `min_typical`.
    pub typical: &'static [&'static str],
    pub min_typical: usize,
    /// Headers of the address column; the first that exists is used.
    pub address: &'static [&'static str],
    /// Headers of the name's columns; the first group with an existing one is used, joined.
    pub names: &'static [&'static [&'static str]],
    /// A JSON column with the name under `name`, used if there is no other.
    pub json_name: Option<&'static str>,
    /// The status columns and their rules. If they differ, the inactive status counts.
    pub states: &'static [(&'static str, StatusRule)],
    /// Date columns of which every confirmed subscriber has one.
    pub confirmed_by: &'static [&'static str],
    /// Prefixes of the names of files that contain only subscribers of one status.
    pub files: &'static [(&'static str, Status)],
    /// Columns that look like a status and are not.
    pub unrelated: &'static [&'static str],
}

/// How a column states the status.
pub(super) enum StatusRule {
    /// By a word. Any other word, and an empty cell, stops the import.
    Words(&'static [(Status, &'static [&'static str])]),
    /// By a date or a reason: a subscriber with one has this status, one without does not.
    Since(Status),
    /// As `Since`, but if it is the only such column of the file, everyone in the file has this status.
    FileOf(Status),
}

const YES: &[&str] = &["true", "1", "yes"];
const NO: &[&str] = &["false", "0", "no"];

/// All services, the most distinctive first: the first match is used.
pub(super) const SERVICES: [Service; 8] = [
    Service {
        name: "Mailchimp",
        required: &[],
        typical: &[
            "MEMBER_RATING",
            "OPTIN_TIME",
            "OPTIN_IP",
            "CONFIRM_TIME",
            "CONFIRM_IP",
            "GMTOFF",
            "DSTOFF",
            "LAST_CHANGED",
            "LEID",
            "EUID",
            "UNSUB_TIME",
            "UNSUB_CAMPAIGN_TITLE",
            "UNSUB_CAMPAIGN_ID",
            "UNSUB_REASON",
            "UNSUB_REASON_OTHER",
            "CLEAN_TIME",
            "CLEAN_CAMPAIGN_TITLE",
            "CLEAN_CAMPAIGN_ID",
        ],
        min_typical: 2,
        address: &["Email Address", "Email", "E-Mail-Adresse", "Adresse e-mail", "Dirección de correo electrónico"],
        names: &[&["First Name", "Last Name"], &["FNAME", "LNAME"], &["Name", "Full Name"]],
        json_name: None,
        states: &[
            ("Email Marketing Status", StatusRule::Words(MAILCHIMP_WORDS)),
            ("Status", StatusRule::Words(MAILCHIMP_WORDS)),
            ("UNSUB_TIME", StatusRule::FileOf(Unsubscribed)),
            ("CLEAN_TIME", StatusRule::FileOf(Bounced)),
        ],
        confirmed_by: &["OPTIN_TIME", "CONFIRM_TIME"],
        files: &[("unsubscribed_", Unsubscribed), ("cleaned_", Bounced), ("nonsubscribed_", Unconfirmed)],
        unrelated: &[
            "UNSUB_CAMPAIGN_TITLE",
            "UNSUB_CAMPAIGN_ID",
            "UNSUB_REASON",
            "UNSUB_REASON_OTHER",
            "CLEAN_CAMPAIGN_TITLE",
            "CLEAN_CAMPAIGN_ID",
            "OPTIN_TIME",
            "CONFIRM_TIME",
            "OPTIN_IP",
            "CONFIRM_IP",
        ],
    },
    Service {
        name: "Ghost",
        required: &["subscribed_to_emails"],
        typical: &[
            "complimentary_plan",
            "stripe_customer_id",
            "created_at",
            "deleted_at",
            "labels",
            "tiers",
            "products",
            "note",
        ],
        min_typical: 2,
        address: &["email"],
        names: &[&["name"]],
        json_name: None,
        states: &[
            ("subscribed_to_emails", StatusRule::Words(&[(Active, YES), (Unsubscribed, NO)])),
            ("deleted_at", StatusRule::Since(Unsubscribed)),
        ],
        confirmed_by: &[],
        files: &[],
        unrelated: &[],
    },
    Service {
        name: "Substack",
        required: &["email_disabled"],
        typical: &[
            "active_subscription",
            "subscription_type",
            "type",
            "plan",
            "expiry",
            "created_at",
            "first_payment_at",
            "prefer_digests",
            "stripe_connected_customer_id",
            "stripe_customer_id",
        ],
        min_typical: 1,
        address: &["email"],
        names: &[&["name"], &["first_name", "last_name"]],
        json_name: None,
        states: &[("email_disabled", StatusRule::Words(&[(Active, NO), (Unsubscribed, YES)]))],
        confirmed_by: &[],
        files: &[],
        // About payment: most readers have no paid subscription.
        unrelated: &["active_subscription", "subscription_type", "type", "plan"],
    },
    Service {
        name: "listmonk",
        required: &["uuid", "status"],
        typical: &["name", "attributes", "attribs", "created_at", "updated_at", "lists", "subscription_status"],
        min_typical: 2,
        address: &["email"],
        names: &[&["name"]],
        json_name: None,
        states: &[
            (
                "status",
                StatusRule::Words(&[
                    (Active, &["enabled"]),
                    (Suppressed, &["disabled"]),
                    (Unsubscribed, &["blocklisted", "blacklisted"]),
                ]),
            ),
            (
                "subscription_status",
                StatusRule::Words(&[
                    (Active, &["confirmed"]),
                    (Unconfirmed, &["unconfirmed"]),
                    (Unsubscribed, &["unsubscribed"]),
                ]),
            ),
        ],
        confirmed_by: &[],
        files: &[],
        unrelated: &[],
    },
    Service {
        name: "Buttondown",
        required: &["type|subscriber_type"],
        typical: &[
            "notes",
            "metadata",
            "metadata.name",
            "tags",
            "unsubscription_date",
            "unsubscription_reason",
            "creation_date",
            "referrer_url",
            "secondary_id",
            "undeliverability_date",
            "undeliverability_reason",
            "churn_date",
        ],
        min_typical: 2,
        address: &["email", "email_address"],
        names: &[&["metadata.name"], &["name"], &["first_name", "last_name"]],
        json_name: Some("metadata"),
        states: &[
            ("type", StatusRule::Words(BUTTONDOWN_WORDS)),
            ("subscriber_type", StatusRule::Words(BUTTONDOWN_WORDS)),
            ("unsubscription_date", StatusRule::Since(Unsubscribed)),
            ("undeliverability_date", StatusRule::Since(Bounced)),
        ],
        confirmed_by: &[],
        files: &[],
        // A bounce alone does not make a subscriber undeliverable, and churning is ending a payment.
        unrelated: &[
            "unsubscription_reason",
            "undeliverability_reason",
            "last_bounce_date",
            "bounce_date",
            "bounce_reason",
            "churn_date",
            "subscriber_import_id",
            "gift_subscription_message",
            "commenting_disabled",
        ],
    },
    Service {
        name: "beehiiv",
        required: &["status", "tier|subscription_tier|Free Tier|Premium Tier|referral_code|referring_site|utm_channel"],
        typical: &[
            "tier",
            "subscription_tier",
            "utm_source",
            "utm_medium",
            "utm_campaign",
            "utm_channel",
            "referring_site",
            "referral_code",
            "Free Tier",
            "Premium Tier",
            "unsubscribed_at",
        ],
        min_typical: 2,
        address: &["email"],
        names: &[&["First Name", "Last Name"], &["name"]],
        json_name: None,
        states: &[
            (
                "status",
                StatusRule::Words(&[
                    (Active, &["active"]),
                    (Unsubscribed, &["inactive", "unsubscribed"]),
                    (Unconfirmed, &["pending", "validating", "needs_attention", "needs_approval"]),
                    (Bounced, &["invalid", "bounced"]),
                    (Complained, &["complained"]),
                ]),
            ),
            ("unsubscribed_at", StatusRule::Since(Unsubscribed)),
        ],
        confirmed_by: &[],
        files: &[],
        unrelated: &["subscription_tier", "Subscription Date (Substack)", "subscription_premium_tier_names"],
    },
    Service {
        name: "MailerLite",
        required: &["status"],
        typical: &[
            "subscriber",
            "sent",
            "opens",
            "opened",
            "opens_count",
            "clicks",
            "clicked",
            "clicks_count",
            "open_rate",
            "click_rate",
            "subscribed",
            "subscribed_at",
            "unsubscribed",
            "unsubscribed_at",
            "opted_in_at",
            "optin_ip",
            "ip_address",
            "signup_ip",
            "source",
            "location",
            "groups",
        ],
        min_typical: 3,
        address: &["email", "subscriber"],
        names: &[&["name", "last_name"], &["first_name", "last_name"]],
        json_name: None,
        states: &[
            (
                "status",
                StatusRule::Words(&[
                    (Active, &["active"]),
                    (Unsubscribed, &["unsubscribed"]),
                    (Unconfirmed, &["unconfirmed"]),
                    (Bounced, &["bounced"]),
                    (Complained, &["junk"]),
                ]),
            ),
            ("unsubscribed_at", StatusRule::Since(Unsubscribed)),
            ("unsubscribed", StatusRule::Since(Unsubscribed)),
        ],
        confirmed_by: &[],
        files: &[],
        // Dates of joining.
        unrelated: &["subscribed", "subscribed_at", "opted_in_at", "optin_ip"],
    },
    Service {
        name: "Kit",
        required: &["first_name", "created_at", "status|state"],
        typical: &["email", "email_address"],
        min_typical: 1,
        address: &["email", "email_address"],
        names: &[&["first_name", "last_name"]],
        json_name: None,
        states: &[
            ("status", StatusRule::Words(KIT_WORDS)),
            ("state", StatusRule::Words(KIT_WORDS)),
            ("canceled_at", StatusRule::Since(Unsubscribed)),
        ],
        confirmed_by: &[],
        files: &[],
        unrelated: &[],
    },
];

const MAILCHIMP_WORDS: &[(Status, &[&str])] = &[
    (Active, &["subscribed"]),
    (Unsubscribed, &["unsubscribed", "archived"]),
    (Bounced, &["cleaned"]),
    (Unconfirmed, &["non_subscribed", "nonsubscribed", "transactional", "pending"]),
];

const BUTTONDOWN_WORDS: &[(Status, &[&str])] = &[
    (Active, &["regular", "premium", "gifted", "trialed", "unpaid", "churning", "churned", "paused", "past_due"]),
    (Unconfirmed, &["unactivated", "upcoming"]),
    (Unsubscribed, &["unsubscribed"]),
    (Bounced, &["undeliverable", "malformed"]),
    (Complained, &["complained"]),
    (Suppressed, &["spammy", "blocked", "removed", "disabled", "disposable"]),
];

/// `inactive` has not clicked the confirmation link; `cold` has not opened an email for long.
const KIT_WORDS: &[(Status, &[&str])] = &[
    (Active, &["active", "confirmed", "cold"]),
    (Unsubscribed, &["cancelled", "canceled", "unsubscribed"]),
    (Unconfirmed, &["inactive", "unconfirmed"]),
    (Bounced, &["bounced"]),
    (Complained, &["complained"]),
];

impl Service {
    /// The service whose export has these headers, which are `normalized`.
    pub fn of(headers: &[String]) -> Option<&'static Service> {
        let has = |header: &&str| headers.contains(&normalized(header));
        SERVICES.iter().find(|service| {
            service.required.iter().all(|needed| needed.split('|').any(|header| has(&header)))
                && service.typical.iter().filter(|sign| has(sign)).count() >= service.min_typical
        })
    }
}

/// A header without case, spaces and punctuation: `E-mail Address` becomes `emailaddress`.
pub(super) fn normalized(header: &str) -> String {
    header.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognised(header: &str) -> Option<&'static str> {
        let headers: Vec<String> = header.split(',').map(normalized).collect();
        Service::of(&headers).map(|service| service.name)
    }

    #[test]
    fn an_export_is_recognised_by_its_columns() {
        for (header, name) in [
            ("Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,TAGS", "Mailchimp"),
            ("email address,unsub_time,unsub_reason", "Mailchimp"),
            ("Email Address,CLEAN_TIME,LEID", "Mailchimp"),
            ("id,email,name,note,subscribed_to_emails,complimentary_plan,created_at", "Ghost"),
            ("email,active_subscription,expiry,email_disabled,created_at", "Substack"),
            ("Email,Subscription Type,Email Disabled", "Substack"),
            ("uuid,email,name,attributes,status,created_at,updated_at", "listmonk"),
            ("email,notes,metadata,tags,type", "Buttondown"),
            ("Email Address,Type,Notes,Tags", "Buttondown"),
            ("email,First Name,status,tier,created_at,utm_source", "beehiiv"),
            ("email,status,sent,opens_count,clicks_count,subscribed_at", "MailerLite"),
            ("first_name,email,status,created_at", "Kit"),
            ("First Name,E-mail Address,State,Created At,Tags", "Kit"),
        ] {
            assert_eq!(recognised(header), Some(name), "{header}");
        }
    }

    #[test]
    fn an_ordinary_list_is_none_of_them() {
        for header in [
            "email",
            "email,name,status,created",
            "email,first_name,last_name,created_at",
            "email,name,type",
            "邮箱,姓名,状态",
        ] {
            assert_eq!(recognised(header), None, "{header}");
        }
    }
}
