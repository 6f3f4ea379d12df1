//! The tables, and the migrations of older files.
//!
//! Migrations are only ever appended: each runs once, in its own transaction, and is counted in `user_version`.

use std::path::Path;

use anyhow::anyhow;
use rusqlite::{Connection, TransactionBehavior};

use super::error;
use crate::store::StoreError;

/// `PRAGMA application_id`: "slug" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x736c_7567;

pub(super) const MIGRATIONS: [&str; 9] = [
    "
CREATE TABLE subscriber (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT NOT NULL UNIQUE,
    address     TEXT NOT NULL,
    name        TEXT NOT NULL,
    status      TEXT NOT NULL,
    attributes  TEXT NOT NULL,
    created     TEXT NOT NULL,
    changed     TEXT NOT NULL
);
CREATE TABLE mailing (
    id            INTEGER PRIMARY KEY,
    issue         TEXT NOT NULL UNIQUE,
    content_hash  TEXT NOT NULL,
    frozen_at     TEXT NOT NULL,
    expected      INTEGER NOT NULL
);
CREATE TABLE run (
    id       INTEGER PRIMARY KEY,
    host     TEXT NOT NULL,
    boot_id  TEXT NOT NULL,
    pid      INTEGER NOT NULL,
    started  TEXT NOT NULL
);
CREATE TABLE delivery (
    mailing     INTEGER NOT NULL REFERENCES mailing (id),
    subscriber  INTEGER NOT NULL,
    address     TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    run         INTEGER,
    retry_at    TEXT,
    reply       TEXT,
    changed     TEXT NOT NULL,
    PRIMARY KEY (mailing, subscriber)
) WITHOUT ROWID;
CREATE INDEX delivery_open ON delivery (mailing, subscriber) WHERE state IN ('queued', 'deferred');
CREATE INDEX delivery_taken ON delivery (run) WHERE state IN ('claimed', 'sending');
",
    // Contents of digests. An older version that is running continues, because it names the columns it writes; one
    // started later refuses the file, because it would mail by themselves the issues of a digest.
    "
CREATE TABLE digest (
    mailing       INTEGER PRIMARY KEY REFERENCES mailing (id),
    period_start  TEXT NOT NULL,
    period_end    TEXT NOT NULL
);
CREATE TABLE digest_issue (
    issue     TEXT PRIMARY KEY,
    mailing   INTEGER NOT NULL REFERENCES digest (mailing),
    position  INTEGER NOT NULL,
    UNIQUE (mailing, position)
) WITHOUT ROWID;
",
    // Rate limits. An older version that is running does not know them.
    "
CREATE TABLE rate (
    name     TEXT PRIMARY KEY,
    full_at  TEXT NOT NULL
) WITHOUT ROWID;
",
    // Where the store was moved, and the move that filled it.
    "
CREATE TABLE moved (
    id     TEXT PRIMARY KEY,
    place  TEXT NOT NULL,
    begun  TEXT NOT NULL,
    ended  TEXT
) WITHOUT ROWID;
CREATE TABLE filled (
    move  TEXT PRIMARY KEY
) WITHOUT ROWID;
",
    // Messages per day of a warm-up. An older version that is running does not count them.
    "
CREATE TABLE quota (
    name  TEXT NOT NULL,
    day   TEXT NOT NULL,
    used  INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) WITHOUT ROWID;
",
    // No change here, but the log has a second file: an older version that takes over from a dead run would not read
    // it, and would queue again what it records as sent.
    "",
    // The store's id; forgotten addresses, which an older version would add again; whether the project's own list named
    // a subscriber; addresses by their tags in tokens; what was learned of mail servers.
    "
CREATE TABLE property (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO property VALUES
    ('id', lower(hex(randomblob(16)))), ('forget_key', lower(hex(randomblob(32))));
CREATE TABLE forgotten (
    hash  TEXT PRIMARY KEY
) WITHOUT ROWID;
ALTER TABLE subscriber ADD COLUMN listed TEXT;
CREATE TABLE address_tag (
    secret      TEXT NOT NULL,
    tag         TEXT NOT NULL,
    subscriber  INTEGER NOT NULL,
    PRIMARY KEY (secret, tag)
) WITHOUT ROWID;
CREATE INDEX address_tag_subscriber ON address_tag (secret, subscriber);
CREATE TABLE server (
    place     TEXT NOT NULL,
    greeting  TEXT NOT NULL,
    chaining  TEXT NOT NULL,
    changed   TEXT NOT NULL,
    PRIMARY KEY (place, greeting)
) WITHOUT ROWID;
",
    // Readers who come and go by themselves. An older version would forget a person and leave their consents and requests,
    // and would not copy them to another store, so it must not open this one. One that is sending a mailing now does not
    // touch these tables and may finish.
    "
CREATE TABLE wording (
    hash  TEXT PRIMARY KEY,
    text  TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE subscription_request (
    key        TEXT PRIMARY KEY,
    address    TEXT NOT NULL,
    name       TEXT NOT NULL,
    language   TEXT NOT NULL,
    page       TEXT,
    return_to  TEXT,
    wording    TEXT NOT NULL,
    ip         TEXT,
    requested  TEXT NOT NULL,
    tag        TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX subscription_request_tag ON subscription_request (tag);
CREATE INDEX subscription_request_requested ON subscription_request (requested);
CREATE TABLE consent (
    subscriber  INTEGER NOT NULL,
    requested   TEXT NOT NULL,
    confirmed   TEXT NOT NULL,
    language    TEXT NOT NULL,
    page        TEXT,
    wording     TEXT NOT NULL,
    ip          TEXT,
    PRIMARY KEY (subscriber, requested)
) WITHOUT ROWID;
CREATE INDEX consent_ip ON consent (requested) WHERE ip IS NOT NULL;
CREATE TABLE unsubscription (
    subscriber  INTEGER PRIMARY KEY,
    channel     TEXT NOT NULL,
    at          TEXT NOT NULL
);
CREATE TABLE blocked (
    hash  TEXT PRIMARY KEY,
    at    TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE message (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      TEXT NOT NULL,
    key       TEXT NOT NULL,
    address   TEXT NOT NULL,
    language  TEXT NOT NULL,
    created   TEXT NOT NULL,
    state     TEXT NOT NULL,
    attempts  INTEGER NOT NULL,
    retry_at  TEXT,
    reply     TEXT,
    changed   TEXT NOT NULL
);
CREATE INDEX message_key ON message (key);
CREATE INDEX message_open ON message (id) WHERE state IN ('queued', 'deferred');
CREATE INDEX message_taken ON message (id) WHERE state IN ('claimed', 'sending');
CREATE INDEX message_settled ON message (changed) WHERE state IN ('sent', 'failed', 'suppressed', 'unknown');
",
    // What mail that came in changed. An older version would not copy it to another store, and does not know the state
    // `bounced`. One that is sending now may finish: it never writes over `bounced`.
    "
ALTER TABLE delivery ADD COLUMN class TEXT;
ALTER TABLE mailing ADD COLUMN accepted_failures INTEGER;
CREATE TABLE handled (
    digest  TEXT PRIMARY KEY,
    at      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX handled_at ON handled (at);
",
];

/// Refuses a database of another program or of a newer version. Changes nothing.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let number = |sql| number(sql).map_err(|error| error::opening(path, error));
    let place = path.display().to_string();
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let application = number("PRAGMA application_id")?;
    let is_new = tables == 0 && application == 0;
    if !is_new && application != i64::from(APPLICATION_ID) {
        return Err(StoreError::Open { place, source: anyhow!("it is a database of another program") });
    }
    let (found, known) = (number("PRAGMA user_version")?, MIGRATIONS.len() as i64);
    if found > known {
        return Err(StoreError::Version { place, found, known });
    }
    Ok(())
}

/// Migrates the database to the newest schema.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    while version(connection)? < MIGRATIONS.len() as i64 {
        step(connection)?;
    }
    Ok(())
}

/// Runs the next migration, unless another process has run it while this one waited.
fn step(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if let Some(migration) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version)) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    transaction.commit()
}
