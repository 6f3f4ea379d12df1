//! Every route, on the store in memory; `tests/it` has the real stores and browsers.

use chrono::TimeDelta;

use super::*;
use crate::config::Config;
use crate::email::EmailAddress;
use crate::store::ReaderStore as _;
use crate::store::memory::Memory;
use crate::subscriber::{NewSubscriber, Status, Subscriber};
use crate::token::Purpose;
use crate::unsubscription::Channel;

const URL: &str = "https://news.example.org/tides/";
const THANKS: &str = "https://tides.example.org/thanks/";

/// A request without fields from 192.0.2.1.
pub(super) fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: None,
        content_type: None,
        origin: None,
        referer: None,
        from: "192.0.2.1".parse().unwrap(),
        body: Vec::new(),
    }
}

fn post(path: &str, fields: &[(&str, &str)]) -> Request {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes();
    let content_type = Some("application/x-www-form-urlencoded".to_owned());
    Request { content_type, body, ..request("POST", path) }
}

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn secrets() -> Arc<Secrets> {
    Arc::new(Secrets::parse(&"s".repeat(32)).unwrap())
}

struct Desk {
    service: Service,
    store: Memory,
    now: DateTime<Utc>,
}

impl Desk {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let project = "title: Tide Notes\nbase_url: https://tides.example.org\n";
        let publication = Config::parse("slugline.yaml", project).unwrap().publication;
        let mut options = Options {
            url: URL.parse().unwrap(),
            listen: Listen::Tcp("127.0.0.1:8420".parse().unwrap()),
            trusted_proxies: Vec::new(),
            thanks: vec![THANKS.parse().unwrap()],
            subscribe: true,
            keep_ip: None,
        };
        change(&mut options);
        let service = Service::new(options, &publication, vec!["en".into()], secrets(), &|_| Ok(None)).unwrap();
        Self { service, store: Memory::default(), now: now() }
    }

    fn answer(&mut self, request: &Request) -> Response {
        self.service.respond(request, &mut self.store, self.now)
    }

    #[track_caller]
    fn says(&mut self, request: &Request, status: u16, part: &str) {
        let response = self.answer(request);
        assert_eq!(response.status, status, "{response:?}");
        assert!(response.body.contains(part), "`{part}` is not in {}", response.body);
    }

    fn add(&mut self, address: &str, status: Status) -> Subscriber {
        let address: EmailAddress = address.parse().unwrap();
        let new = NewSubscriber { status, ..NewSubscriber::new(address.clone(), "") };
        self.store.add_subscribers(&mut std::iter::once(new), self.now).unwrap();
        self.store.subscriber(&address).unwrap().unwrap()
    }

    fn status(&self, address: &str) -> Option<Status> {
        self.store.subscriber(&address.parse().unwrap()).unwrap().map(|subscriber| subscriber.status)
    }

    /// The token that a confirmation would contain.
    fn token(&self, address: &str) -> String {
        let request = self.store.request_of(&address.parse().unwrap(), self.now).unwrap().unwrap();
        secrets().token_at(Purpose::Confirm, &request.address, request.requested).to_string()
    }

    fn messages(&self) -> u64 {
        self.store.message_counts().unwrap().of(crate::ledger::State::Queued)
    }
}

#[test]
fn a_reader_subscribes_leaves_and_comes_back() {
    let mut desk = Desk::new();
    desk.says(&request("GET", "/subscribe"), 200, "action=\"https://news.example.org/tides/subscribe\"");
    let form = [("email", " Maren@Example.org "), ("name", "Maren\nBcc: x"), ("language", "zh-CN")];
    desk.says(&post("/subscribe", &form), 200, "请查收邮件");
    assert_eq!((desk.status("maren@example.org"), desk.messages()), (None, 1));
    let path = format!("/confirm/{}", desk.token("maren@example.org"));
    desk.says(&request("GET", &path), 200, "最后一步");
    desk.says(&request("GET", &path), 200, "type=\"hidden\"");
    assert_eq!(desk.status("maren@example.org"), None, "GET changes nothing");
    desk.says(&request("POST", &path), 200, "订阅成功");
    desk.says(&request("POST", &path), 200, "订阅成功");
    desk.says(&request("GET", &path), 200, "订阅成功");
    assert_eq!(desk.status("maren@example.org"), Some(Status::Active));
    let maren = desk.store.subscriber(&"maren@example.org".parse().unwrap()).unwrap().unwrap();
    assert_eq!(maren.name, "Maren Bcc: x");
    let consents = desk.store.consents(maren.id).unwrap();
    assert_eq!(consents.len(), 1);
    assert_eq!(consents[0].wording.text(), "我愿意通过电子邮件接收《Tide Notes》。每封邮件中都有退订链接。");

    let leave = format!("/leave/{}", secrets().token(Purpose::Unsubscribe, &maren.address));
    desk.says(&request("GET", &leave), 200, "退订《Tide Notes》");
    assert_eq!(desk.status("maren@example.org"), Some(Status::Active), "GET changes nothing");
    let before = desk.messages();
    desk.says(&post(&leave, &[("from", "page")]), 200, "已退订");
    assert_eq!((desk.status("maren@example.org"), desk.messages()), (Some(Status::Unsubscribed), before + 1));
    assert_eq!(desk.store.unsubscription(maren.id).unwrap().unwrap().channel, Channel::Page);
    let undo = format!("/return/{}", secrets().token(Purpose::Return, &maren.address));
    desk.says(&request("GET", &undo), 200, "重新订阅《Tide Notes》");
    desk.says(&request("GET", &undo), 200, "type=\"hidden\"");
    desk.says(&request("POST", &undo), 200, "订阅成功");
    assert_eq!(desk.status("maren@example.org"), Some(Status::Active));
    desk.says(&request("POST", &leave), 200, "unsubscribed");
    assert_eq!(desk.store.unsubscription(maren.id).unwrap().unwrap().channel, Channel::OneClick);
    assert_eq!(desk.messages(), before + 1, "no mail after one click");
    desk.now += TimeDelta::days(31);
    desk.says(&request("POST", &undo), 410, "30 天");
}

#[test]
fn the_answer_is_the_same_for_every_state() {
    let mut answers = Vec::new();
    for status in [
        None,
        Some(Status::Active),
        Some(Status::Unconfirmed),
        Some(Status::Unsubscribed),
        Some(Status::Bounced),
        Some(Status::Complained),
        Some(Status::Suppressed),
    ] {
        let mut desk = Desk::new();
        if let Some(status) = status {
            desk.add("maren@example.org", status);
        }
        let subscribe = desk.answer(&post("/subscribe", &[("email", "maren@example.org")]));
        assert_eq!(desk.messages(), 1, "{status:?}");
        desk.now += TimeDelta::hours(1);
        let links = desk.answer(&post("/link", &[("email", "maren@example.org")]));
        answers.push((subscribe, links));
    }
    let mut desk = Desk::new();
    desk.store.block(&"maren@example.org".parse().unwrap(), now()).unwrap();
    let subscribe = desk.answer(&post("/subscribe", &[("email", "maren@example.org")]));
    let links = desk.answer(&post("/link", &[("email", "lin@example.org")]));
    answers.push((subscribe, links));
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_request_that_looks_like_a_programs_takes_another_step() {
    let mut desk = Desk::new();
    let made = |at: DateTime<Utc>| suspicion::made(&secrets(), at);
    let email = ("email", "maren@example.org");
    let (fast, slow) = (made(now()), made(now() - TimeDelta::seconds(3)));
    let foreign = Request { origin: Some("https://evil.example".into()), ..post("/subscribe", &[email]) };
    let suspicious = [
        post("/subscribe", &[email, ("website", "x")]),
        post("/subscribe", &[email, ("made", &fast)]),
        post("/subscribe", &[email, ("made", "1.000000000000000000000000")]),
        foreign,
    ];
    for request in suspicious {
        let response = desk.answer(&request);
        assert_eq!((response.status, desk.messages()), (200, 0), "{request:?}");
        let step = response.body.split("name=\"step\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let other = post("/subscribe", &[("email", "lin@example.org"), ("step", step), ("website", "x")]);
        desk.says(&other, 200, "One more step");
        let taken = post("/subscribe", &[email, ("step", step)]);
        let mut desk = Desk::new();
        desk.says(&taken, 200, "Check your inbox");
        assert_eq!(desk.messages(), 1);
    }
    let own = ["https://tides.example.org", "https://news.example.org", "null"];
    for origin in own {
        let mut desk = Desk::new();
        let request = Request { origin: Some(origin.into()), ..post("/subscribe", &[email, ("made", &slow)]) };
        desk.says(&request, 200, "Check your inbox");
    }
}

#[test]
fn nothing_leads_to_a_foreign_page() {
    let mut desk = Desk::new();
    let form = |page| post("/subscribe", &[("email", "maren@example.org"), ("return", page)]);
    let response = desk.answer(&form(THANKS));
    assert_eq!(response.status, 303);
    assert!(response.headers.contains(&("location", THANKS.to_owned())));
    for page in
        ["https://evil.example/", "//evil.example/", "https://tides.example.org/thanks/?x", "javascript:alert(1)"]
    {
        let response = Desk::new().answer(&form(page));
        assert_eq!(response.status, 200);
        assert!(!response.body.contains("evil") && !response.body.contains("javascript"), "{}", response.body);
    }
}

#[test]
fn a_form_may_lead_on_to_the_page_it_returns_to_and_to_no_other() {
    let policies = |page: &str| {
        let (email, wrong) = (("email", "maren@example.org"), ("email", "maren"));
        let requests = [
            Request { query: Some(format!("return={page}")), ..request("GET", "/subscribe") },
            post("/subscribe", &[wrong, ("return", page)]),
            post("/subscribe", &[email, ("return", page), ("website", "x")]),
        ];
        requests.map(|request| {
            let response = Desk::new().answer(&request);
            let of_forms =
                |policy: &String| policy.split("; ").find(|one| one.starts_with("form-action")).map(str::to_owned);
            response
                .headers
                .iter()
                .find(|(name, _)| *name == "content-security-policy")
                .and_then(|(_, it)| of_forms(it))
        })
    };
    assert_eq!(policies(THANKS), [(); 3].map(|()| Some("form-action 'self' https://tides.example.org".to_owned())));
    assert_eq!(policies("https://evil.example/"), [(); 3].map(|()| Some("form-action 'self'".to_owned())));
}

#[test]
fn what_was_typed_is_escaped_and_an_error_is_tied_to_its_field() {
    let mut desk = Desk::new();
    let typed = [("email", "\"><script>alert(1)</script>"), ("name", "<b>"), ("language", "\"><i>")];
    for page in ["/subscribe", "/link"] {
        let response = desk.answer(&post(page, &typed));
        assert_eq!(response.status, 422);
        let body = response.body;
        assert!(!body.contains("<script") && !body.contains("<b>") && !body.contains("<i>"), "{body}");
        assert!(body.contains("aria-describedby=\"email-error\"") && body.contains("id=\"email-error\""), "{body}");
        assert!(body.contains("value=\"&quot;&gt;&lt;script&gt;"), "{body}");
        let policy = response.headers.iter().find(|(name, _)| *name == "content-security-policy").unwrap();
        assert!(policy.1.starts_with("default-src 'none'"));
    }
}

#[test]
fn tokens_are_good_for_one_page_only() {
    let mut desk = Desk::new();
    let maren = desk.add("maren@example.org", Status::Active);
    desk.answer(&post("/subscribe", &[("email", "lin@example.org")]));
    let confirm = desk.token("lin@example.org");
    let token = |purpose| secrets().token(purpose, &maren.address).to_string();
    let (leave, back) = (token(Purpose::Unsubscribe), token(Purpose::Return));
    for path in [
        format!("/confirm/{leave}"),
        format!("/confirm/{back}"),
        format!("/leave/{confirm}"),
        format!("/leave/{back}"),
        format!("/return/{leave}"),
        format!("/return/{confirm}"),
        "/confirm/x".into(),
        "/leave/%00".into(),
        "/leave/".into(),
    ] {
        let status = desk.answer(&request("GET", &path)).status;
        assert_eq!(status, 404, "{path}");
        desk.answer(&request("POST", &path));
    }
    assert_eq!((desk.status("maren@example.org"), desk.status("lin@example.org")), (Some(Status::Active), None));
    for path in ["/leave/x", &format!("/leave/{confirm}")] {
        desk.says(&request("POST", path), 200, "unsubscribed");
    }
}

#[test]
fn a_confirmation_lives_seven_days_and_the_newest_request_counts() {
    let mut desk = Desk::new();
    let form = post("/subscribe", &[("email", "maren@example.org")]);
    desk.answer(&form);
    let first = format!("/confirm/{}", desk.token("maren@example.org"));
    desk.now += TimeDelta::hours(9);
    desk.answer(&form);
    let second = format!("/confirm/{}", desk.token("maren@example.org"));
    desk.says(&request("POST", &first), 404, "no longer valid");
    desk.now += TimeDelta::days(7) + TimeDelta::seconds(1);
    desk.says(&request("POST", &second), 404, "no longer valid");
    let korean = Request { query: Some("language=ko".to_owned()), ..request("GET", &second) };
    desk.says(&korean, 404, "7일");
    assert_eq!(desk.status("maren@example.org"), None);
}

#[test]
fn an_address_can_be_left_in_peace() {
    let mut desk = Desk::new();
    desk.answer(&post("/subscribe", &[("email", "maren@example.org")]));
    let path = format!("/confirm/{}", secrets().token(Purpose::Block, &"maren@example.org".parse().unwrap()));
    desk.says(&request("GET", &path), 200, "Never ask me again");
    assert!(!desk.store.is_blocked(&"maren@example.org".parse().unwrap()).unwrap());
    for _ in 0..2 {
        desk.says(&request("POST", &path), 200, "You will not be asked again");
    }
    assert!(desk.store.is_blocked(&"MAREN@example.org".parse().unwrap()).unwrap());
}

#[test]
fn a_mailbox_is_asked_at_most_three_times_a_day() {
    let mut desk = Desk::new();
    for hour in 0..24 {
        for variant in 0..50 {
            let email = format!("maren+{hour}-{variant}@example.org");
            let mut request = post("/subscribe", &[("email", &email)]);
            request.from = std::net::Ipv4Addr::new(10, hour, variant, 1).into();
            let response = desk.answer(&request);
            assert_eq!(response.status, 200);
            desk.now += TimeDelta::seconds(72);
        }
    }
    assert!((1..=3).contains(&desk.messages()), "{}", desk.messages());
}

#[test]
fn the_pages_of_a_link_have_the_language_of_its_mail() {
    let mut desk = Desk::new();
    let lin = desk.add("lin@example.org", Status::Active);
    let in_korean = |method, path: String| Request { query: Some("language=ko".into()), ..request(method, &path) };
    let token = |purpose| secrets().token(purpose, &lin.address);
    let leave = in_korean("GET", format!("/leave/{}", token(Purpose::Unsubscribe)));
    desk.says(&leave, 200, &format!("action=\"{URL}leave/{}?language=ko\"", token(Purpose::Unsubscribe)));
    let page = post(&leave.path, &[("from", "page")]);
    desk.says(&Request { query: leave.query.clone(), ..page }, 200, "lang=\"ko\"");
    desk.says(&in_korean("GET", format!("/return/{}", token(Purpose::Return))), 200, "lang=\"ko\"");
    let goodbye = desk.store.personal_data(&lin.address).unwrap().unwrap().messages;
    assert_eq!(goodbye.iter().map(|message| message.language.as_str()).collect::<Vec<_>>(), ["ko"]);
}

#[test]
fn a_closed_service_lets_readers_leave_and_nothing_else() {
    let mut desk = Desk::new();
    let maren = desk.add("maren@example.org", Status::Active);
    desk.service.set_open(false);
    let leave = format!("/leave/{}", secrets().token(Purpose::Unsubscribe, &maren.address));
    let response = desk.answer(&post("/subscribe", &[("email", "lin@example.org")]));
    assert_eq!(response.status, 503);
    assert!(response.headers.iter().any(|(name, _)| *name == "retry-after"));
    desk.says(&request("POST", &leave), 200, "unsubscribed");
    assert_eq!((desk.status("maren@example.org"), desk.messages()), (Some(Status::Unsubscribed), 0));
}

#[test]
fn subscriptions_can_be_paused() {
    let mut desk = Desk::with(|options| options.subscribe = false);
    desk.says(&request("GET", "/subscribe"), 200, "Subscriptions are paused");
    desk.says(&post("/subscribe", &[("email", "lin@example.org")]), 503, "Subscriptions are paused");
    assert_eq!(desk.messages(), 0);
}

#[test]
fn other_methods_and_paths_are_refused() {
    let mut desk = Desk::new();
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"] {
        assert_eq!(desk.answer(&request(method, "/subscribe")).status, 405, "{method}");
    }
    assert_eq!(desk.answer(&request("OPTIONS", "/subscribe")).status, 204);
    for path in ["", "/", "/subscribe/", "/subscribe/x", "/leave", "/leave/a/b", "/../subscribe", "/admin"] {
        assert_eq!(desk.answer(&request("POST", path)).status, 404, "{path}");
    }
}
