use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::NoTls;
use secrecy::ExposeSecret;

use super::*;
use crate::bounce::Class;
use crate::consent::{SubscriptionRequest, Wording};
use crate::ledger::AttemptOutcome;
use crate::skipped::skip;
use crate::store::conformance::{Runs, conforms, many};
use crate::store::events::MailEvent;
use crate::store::{EventStore as _, ReaderStore as _};
use crate::token::{Purpose, Secrets, TokenClaim};
use crate::transactional_message::{MessageId, MessageKind};
use crate::unsubscription::Channel;

/// The server that `tests/run` has started.
struct Server {
    url: String,
    folder: PathBuf,
}

/// A separate schema on it, dropped with this value.
pub(crate) struct World {
    server: Server,
    schema: String,
}

impl Server {
    fn from_environment() -> Option<Self> {
        let Ok(url) = env::var("SLUGLINE_TEST_POSTGRES") else {
            skip("there is no PostgreSQL; `tests/run` starts one");
            return None;
        };
        Some(Self { url, folder: env::var("SLUGLINE_TEST_POSTGRES_DIR").unwrap().into() })
    }

    fn password(&self) -> SecretString {
        fs::read_to_string(self.folder.join("password")).unwrap().into()
    }

    /// Opens the store with this URL; `cert.pem` is the server's certificate.
    fn open(&self, url: &str) -> StoreResult<Postgres> {
        Postgres::open(url, Some(&self.password()), |file| Ok(fs::read(self.folder.join(file))?))
    }
}

impl World {
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Server::from_environment()?;
        let schema = format!("unit_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let world = Self { server, schema };
        world.sql(&format!("CREATE SCHEMA {}", world.schema));
        Some(world)
    }

    fn url(&self) -> String {
        format!("{0}?options=-csearch_path%3D{1}&application_name={1}", self.server.url, self.schema)
    }

    pub(crate) fn open(&self) -> Postgres {
        self.server.open(&self.url()).unwrap()
    }

    fn client(&self) -> postgres::Client {
        let mut config: postgres::Config = self.server.url.parse().unwrap();
        config.password(self.server.password().expose_secret()).options(&format!("-csearch_path={}", self.schema));
        config.connect(NoTls).unwrap()
    }

    /// Terminates every connection of a store to it.
    pub(crate) fn cut(&self) {
        let sql = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = $1";
        self.client().execute(sql, &[&self.schema]).unwrap();
    }

    pub(crate) fn sql(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }
}

impl Postgres {
    /// As if the connection had broken after the last call was committed and before it was confirmed.
    fn forget_last_call(&self) {
        self.connection.session(|session| session.run_handle.as_mut().unwrap().call -= 1);
    }

    fn is_encrypted(&self) -> bool {
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        self.connection.session(|session| session.client.query_one(sql, &[]).unwrap().get(0))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.sql(&format!("DROP SCHEMA {} CASCADE", self.schema));
    }
}

#[test]
fn conforms_to_the_contract() {
    if Server::from_environment().is_none() {
        return;
    }
    conforms(Runs::Many, &|test| {
        let world = World::new().unwrap();
        test(&|| Box::new(world.open()));
    });
    many::conforms(&|test| {
        let world = World::new().unwrap();
        test(&|| Box::new(world.open()), &|| world.sql("UPDATE run SET lease_until = '-infinity'"));
    });
}

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn issue() -> IssueId {
    IssueId::new("https://example.org/7/").unwrap()
}

fn run() -> Run {
    Run { host: "host".into(), boot_id: "boot".into(), pid: 7 }
}

/// A run with `count` recipients.
fn begun(world: &World, count: usize) -> Postgres {
    let mut store = world.open();
    let new = |number| NewSubscriber::new(format!("reader{number}@example.org").parse().unwrap(), "");
    store.add_subscribers(&mut (0..count).map(new), now()).unwrap();
    store.freeze(&issue(), "hash", None, now()).unwrap();
    store.begin_run(&run(), now()).unwrap();
    store
}

fn claim(store: &mut Postgres, limit: usize) -> Vec<SubscriberId> {
    store.claim(&issue(), limit, now()).unwrap().into_iter().map(|claim| claim.subscriber.id).collect()
}

fn recovered(store: &mut Postgres) -> Recovered {
    let RunStart::Started(recovered) = store.begin_run(&run(), now()).unwrap() else { panic!("busy") };
    recovered
}

#[test]
fn a_run_survives_broken_connections() {
    let Some(world) = World::new() else { return };
    let mut store = begun(&world, 4);
    world.cut();
    let ids = claim(&mut store, 2);
    assert_eq!(ids.len(), 2);
    world.cut();
    assert_eq!(store.record(&issue(), &[(ids[0], LedgerEntry::Sending)], now()).unwrap(), []);
    world.cut();
    assert_eq!(store.subscriber_by_id(ids[0]).unwrap().unwrap().id, ids[0]);
    assert_eq!(recovered(&mut world.open()), Recovered::default(), "its lock is held again");
    world.cut();
    let later = now() + TimeDelta::minutes(1);
    assert_eq!(store.renew_run(later).unwrap(), Recovered::default());
    assert_eq!(store.counts(&issue()).unwrap().of(State::Claimed), 1);
}

#[test]
fn a_call_whose_reply_was_lost_is_not_repeated() {
    let Some(world) = World::new() else { return };
    let mut store = begun(&world, 3);
    let ids = claim(&mut store, 2);
    store.forget_last_call();
    world.cut();
    assert_eq!(claim(&mut store, 2), ids, "it gets what it has claimed");
    assert_eq!(store.record(&issue(), &[(ids[0], LedgerEntry::Sending)], now()).unwrap(), []);
    store.forget_last_call();
    world.cut();
    assert_eq!(store.record(&issue(), &[(ids[0], LedgerEntry::Sending)], now()).unwrap(), [], "it was recorded");
    let sent = [(ids[0], LedgerEntry::Settled(AttemptOutcome::Sent("250".into())))];
    assert_eq!(store.record(&issue(), &sent, now()).unwrap(), []);
    store.forget_last_call();
    world.cut();
    assert_eq!(store.record(&issue(), &sent, now()).unwrap(), []);
    let counts = store.counts(&issue()).unwrap();
    assert_eq!((counts.of(State::Sent), counts.of(State::Claimed), counts.of(State::Queued)), (1, 1, 1));
}

#[test]
fn what_the_server_lost_is_unknown() {
    let Some(world) = World::new() else { return };
    let mut store = begun(&world, 4);
    let ids = claim(&mut store, 2);
    assert_eq!(store.record(&issue(), &[(ids[0], LedgerEntry::Sending)], now()).unwrap(), []);
    // A crash that loses the last commit.
    world.sql("UPDATE delivery SET state = 'claimed' WHERE state = 'sending'; UPDATE run SET call = call - 1");
    world.cut();
    assert_eq!(
        store.record(&issue(), &[(ids[1], LedgerEntry::Sending)], now()).unwrap(),
        ids[1..],
        "nothing may be sent"
    );
    let sent = [(ids[0], LedgerEntry::Settled(AttemptOutcome::Sent("250".into())))];
    assert_eq!(store.record(&issue(), &sent, now()).unwrap(), [], "its reply is recorded after all");
    let counts = store.counts(&issue()).unwrap();
    assert_eq!((counts.of(State::Sent), counts.of(State::Unknown), counts.of(State::Queued)), (1, 1, 2));
    claim(&mut store, 1);
    world.sql("UPDATE run SET server = 'before the fail-over'");
    drop(store);
    let recovered = recovered(&mut world.open());
    assert_eq!((recovered.requeued, recovered.unknown.len()), (0, 1), "a claim may have been sent");
}

#[test]
fn a_newer_store_is_used_if_it_allows_it() {
    let Some(world) = World::new() else { return };
    drop(world.open());
    let known = schema::MIGRATIONS.len() as i64;
    let note =
        |version: i64, needs: i64| world.sql(&format!("INSERT INTO slugline_schema VALUES ({version}, {needs})"));
    note(known + 1, 1);
    let mut store = world.open();
    note(known + 2, known + 2);
    let says = |found: i64, this: i64| found == known + 2 && this == known;
    let refused =
        |error: &StoreError| matches!(error, StoreError::Version { found, known, .. } if says(*found, *known));
    assert!(refused(&store.begin_run(&run(), now()).unwrap_err()));
    assert!(refused(&world.server.open(&world.url()).unwrap_err()));
}

#[test]
fn tables_of_another_program_are_not_touched() {
    let Some(world) = World::new() else { return };
    world.sql("CREATE TABLE mailing (a integer)");
    let error = world.server.open(&world.url()).unwrap_err();
    let text = format!("{:#}", anyhow::Error::from(error));
    assert!(text.contains("tables of another program") && text.contains("\"mailing\""), "{text}");
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";
    assert_eq!(world.client().query_one(tables, &[]).unwrap().get::<_, i64>(0), 1);
}

#[test]
fn processes_may_create_a_store_at_the_same_time() {
    let Some(world) = World::new() else { return };
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..4).map(|_| scope.spawn(|| drop(world.open()))).collect();
        opened.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(world.open().mailings().unwrap(), []);
}

/// The error and help when this URL is opened with this password; they must not contain it.
fn refusal(server: &Server, url: &str, password: &str) -> (String, String) {
    let password = SecretString::from(password.to_owned());
    let opened = Postgres::open(url, Some(&password), |file| Ok(fs::read(server.folder.join(file))?));
    let error = opened.err().unwrap_or_else(|| panic!("{url} was opened"));
    let help = error.help().unwrap();
    (format!("{:#}", anyhow::Error::from(error)), help)
}

#[test]
fn a_refused_login_shows_the_reason_and_no_password() {
    let Some(server) = Server::from_environment() else { return };
    let unreachable = "postgres://weekly@127.0.0.1:1/postgres";
    for (url, why, what) in [
        (server.url.as_str(), "password authentication failed", "SLUGLINE_STORE_PASSWORD"),
        (unreachable, "refused", "whether the server is running"),
        ("postgres://weekly@localhost/a?sslmode=maybe", "not one of disable", "sslmode=verify-full"),
    ] {
        let (text, help) = refusal(&server, url, "hunter2");
        assert!(text.contains(why) && help.contains(what), "{text}: {help}");
        assert!(!format!("{text}{help}").contains("hunter2"), "{text}");
    }
    let error = Postgres::open(&server.url, None, |_| Ok(Vec::new())).unwrap_err();
    assert!(error.help().unwrap().contains("SLUGLINE_STORE_PASSWORD"), "{error:?}");
}

#[test]
fn tls_follows_libpqs_modes() {
    let Some(server) = Server::from_environment() else { return };
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem();
    let opened = |host: &str, query: &str| {
        let url = format!("{}?{query}", server.url.replace("localhost", host));
        let certificate = |file: &str| match file {
            "stranger.pem" => Ok(stranger.clone().into_bytes()),
            file => Ok(fs::read(server.folder.join(file))?),
        };
        let store = Postgres::open(&url, Some(&server.password()), certificate).map_err(|error| {
            let help = error.help().unwrap();
            assert!(help.contains("sslrootcert"), "{error:?}: {help}");
        });
        store.map(|store| store.is_encrypted())
    };
    for (host, query, expected) in [
        ("localhost", "sslmode=verify-full&sslrootcert=cert.pem", Ok(true)),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=cert.pem", Err(())),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=cert.pem", Ok(true)),
        ("localhost", "sslmode=verify-full&sslrootcert=stranger.pem", Err(())),
        ("localhost", "sslmode=verify-ca&sslrootcert=stranger.pem", Err(())),
        ("localhost", "sslmode=require&sslrootcert=stranger.pem", Err(())),
        ("localhost", "sslrootcert=stranger.pem", Err(())),
        ("localhost", "sslmode=verify-full", Err(())),
        ("localhost", "sslmode=require", Ok(true)),
        ("localhost", "sslmode=prefer", Ok(true)),
        ("localhost", "", Ok(true)),
        ("localhost", "sslmode=disable", Ok(false)),
    ] {
        assert_eq!(opened(host, query), expected, "{host} {query}");
    }
}

#[test]
fn tables_are_not_rewritten_while_another_run_sends() {
    let Some(world) = World::new() else { return };
    let sending = begun(&world, 2);
    let address = "reader1@example.org".parse().unwrap();
    let mut other = world.open();
    let mut is_erased = || match other.forget(&address, &run(), now()).unwrap() {
        ForgetOutcome::Done(erasure) => erasure.is_erased,
        ForgetOutcome::Busy(_) => panic!("no run has claimed them"),
    };
    assert!(!is_erased());
    drop(sending);
    assert!(is_erased(), "another call does it");
}

/// What the previous version wrote: subscribers, an edition under way, tags.
const VERSION_4: &str = "
INSERT INTO subscriber (id, key, address, name, status, attributes, created, changed, listed) VALUES
    (1, 'a@example.org', 'A@example.org', '读者', 'active', '{\"city\":\"海口\"}', '2026-11-01T08:00:00Z',
     '2026-11-02T08:00:00Z', 'yes'),
    (2, 'b@example.org', 'b@example.org', '', 'unsubscribed', '{}', '2026-11-01T08:00:00Z', '2026-11-02T08:00:00Z', NULL);
INSERT INTO mailing VALUES (1, 'https://example.org/7/', 'hash', '2026-11-23T08:00:00Z', 2);
INSERT INTO delivery VALUES
    (1, 1, 'A@example.org', 'sent', 1, NULL, NULL, '250 ok', '2026-11-23T08:00:01Z'),
    (1, 2, 'b@example.org', 'queued', 0, NULL, NULL, NULL, '2026-11-23T08:00:00Z');
INSERT INTO address_tag VALUES ('f', 't', 1);
INSERT INTO forgotten VALUES ('h');
INSERT INTO rate VALUES ('mail', '2026-11-23T08:00:00Z')";

#[test]
fn everything_survives_the_migration_of_earlier_versions() {
    for version in [4, 5] {
        let Some(world) = World::new() else { return };
        world.sql("CREATE TABLE slugline_schema (version BIGINT PRIMARY KEY, needs BIGINT NOT NULL, made TIMESTAMPTZ NOT NULL DEFAULT now())");
        for (version, migration) in (1..).zip(&schema::MIGRATIONS[..version]) {
            world.sql(migration.sql);
            world.sql(&format!("INSERT INTO slugline_schema VALUES ({version}, {})", migration.needs));
        }
        world.sql(VERSION_4);
        // Without the columns that are new.
        let rows = || -> Vec<String> {
            let tables =
                ["subscriber", "mailing", "delivery", "address_tag", "forgotten", "rate", "property", "run", "server"];
            let select = |table: &str| {
                format!(
                    "SELECT '{table} ' || (to_jsonb(one) - 'class' - 'accepted_failures')::text FROM {table} AS one ORDER BY 1"
                )
            };
            let all = tables.iter().flat_map(|table| world.client().query(&select(table), &[]).unwrap());
            all.map(|row| row.get(0)).collect()
        };
        let before = rows();
        let mut store = world.open();
        assert_eq!(rows(), before);
        assert_eq!(store.leave(SubscriberId(1), Channel::Page, Some("zh"), now()).unwrap(), Some(Status::Active));
        assert_eq!(store.unsubscription(SubscriberId(2)).unwrap(), None);
        assert_eq!(store.message_counts().unwrap().of(State::Queued), 1);
        // What was sent before may bounce now.
        let issue = IssueId::new("https://example.org/7/").unwrap();
        let (subscriber, reply) = (SubscriberId(1), "550 nobody".to_owned());
        let bounced =
            MailEvent::Bounced { issue: issue.clone(), subscriber, class: Class::Ours, reply, suppress: false };
        assert!(store.handle("d", &[bounced], now()).unwrap().is_some());
        assert_eq!(store.bounces(&issue).unwrap(), [(Class::Ours, 1)]);
        // The previous version does not open it any more.
        let needs = "SELECT max(needs) FROM slugline_schema";
        assert_eq!(world.client().query_one(needs, &[]).unwrap().get::<_, i64>(0), 6);
    }
}

/// A process with `count` messages, all claimed.
fn batch(world: &World, count: usize) -> (Postgres, Vec<MessageId>) {
    let mut store = world.open();
    for number in 0..count {
        let address = format!("reader{number}@example.org").parse().unwrap();
        store.queue_message(MessageKind::Links, &address, "en", now()).unwrap();
    }
    assert_eq!(store.begin_batch(&run(), now()).unwrap(), Some(0));
    let claimed = store.claim_messages(count, now()).unwrap();
    (store, claimed.into_iter().map(|message| message.id).collect())
}

fn counted(store: &Postgres) -> [u64; 4] {
    let counts = store.message_counts().unwrap();
    [State::Queued, State::Claimed, State::Sent, State::Unknown].map(|state| counts.of(state))
}

const SENT: fn() -> LedgerEntry = || LedgerEntry::Settled(AttemptOutcome::Sent("250".into()));

#[test]
fn a_batch_survives_a_broken_connection_unless_another_process_took_over() {
    let Some(world) = World::new() else { return };
    let (mut store, ids) = batch(&world, 4);
    store.record_message(ids[0], &LedgerEntry::Sending, now()).unwrap();
    world.cut();
    store.record_message(ids[0], &SENT(), now()).unwrap();
    world.cut();
    store.record_message(ids[1], &LedgerEntry::Sending, now()).unwrap();
    assert!(store.claim_messages(1, now()).is_err(), "it lost the right to more");
    // Another process takes over.
    let mut other = world.open();
    assert_eq!(other.begin_batch(&run(), now()).unwrap(), Some(1));
    assert_eq!(counted(&store), [2, 0, 1, 1]);
    for id in &ids[2..] {
        assert!(store.record_message(*id, &LedgerEntry::Sending, now()).is_err(), "nothing may be sent");
    }
    store.record_message(ids[1], &SENT(), now()).unwrap();
    assert_eq!(counted(&store), [2, 0, 2, 0], "its late reply is recorded");
    let claimed = other.claim_messages(9, now()).unwrap();
    assert_eq!(claimed.iter().map(|message| message.id).collect::<Vec<_>>(), ids[2..]);
    assert!(store.record_message(ids[2], &LedgerEntry::Sending, now()).is_err(), "the other one has it");
    assert_eq!(store.begin_batch(&run(), now()).unwrap(), None);
    assert_eq!(store.personal_data(&"reader1@example.org".parse().unwrap()).unwrap().unwrap().messages[0].attempts, 1);
}

/// What a call did whose reply was lost is found done.
#[test]
fn a_reply_that_was_lost_changes_nothing_twice() {
    let Some(world) = World::new() else { return };
    let (store, ids) = batch(&world, 2);
    let (batch, place) = (store.batch.unwrap(), ids[0]);
    let again = |id, entry: &LedgerEntry| {
        store.connection.retried("test", |session, _| messages::record(session, batch, id, entry, true, now()))
    };
    for entry in [LedgerEntry::Sending, SENT()] {
        again(place, &entry).unwrap();
        again(place, &entry).unwrap();
    }
    assert!(again(ids[1], &LedgerEntry::Unsent).is_ok(), "it is claimed");
    assert!(again(place, &LedgerEntry::Sending).is_err());
    let drop_one = || {
        let drop_one =
            |session: &mut connection::Session, _| messages::drop_one(session, batch, ids[1], "why", true, now());
        store.connection.retried("test", drop_one)
    };
    drop_one().unwrap();
    drop_one().unwrap();
    assert_eq!(counted(&store), [0, 0, 1, 0]);
}

/// Imports and confirmations add subscribers one after the other, so that tags find all of them.
#[test]
fn readers_confirm_at_once() {
    let Some(world) = World::new() else { return };
    let secrets = Secrets::parse(&"s".repeat(32)).unwrap();
    let request = |number: usize| SubscriptionRequest {
        address: format!("reader{number}@example.org").parse().unwrap(),
        name: String::new(),
        language: "en".into(),
        page: None,
        return_to: None,
        wording: Wording::new("Words"),
        ip: None,
        requested: now(),
    };
    let confirm = |thread: usize| {
        let mut store = world.open();
        for number in 0..10 {
            // Each address by two threads.
            let request = request(10 * (thread / 2) + number);
            store.note_request(&request, secrets.tag(&request.address)).unwrap();
            store.confirm(&request, now()).unwrap();
        }
    };
    let import = || {
        let new = |number| NewSubscriber::new(format!("reader{number}@example.org").parse().unwrap(), "");
        world.open().add_subscribers(&mut (5..30).map(new), now()).unwrap();
    };
    std::thread::scope(|scope| {
        (0..4).for_each(|thread| drop(scope.spawn(move || confirm(thread))));
        scope.spawn(import);
    });
    let store = world.open();
    assert_eq!(store.count_subscribers(Some(Status::Active)).unwrap(), 30);
    for number in 0..30 {
        let address = request(number).address;
        let token = secrets.token(Purpose::Unsubscribe, &address);
        let Some(TokenClaim::Tagged(secret, tag)) = secrets.claim(&token, Purpose::Unsubscribe) else { panic!() };
        assert_eq!(store.subscriber_by_tag(secret, tag).unwrap().map(|one| one.address), Some(address));
        let id = store.subscriber(&request(number).address).unwrap().unwrap().id;
        assert_eq!(store.consents(id).unwrap().len(), usize::from(number < 20));
    }
}
