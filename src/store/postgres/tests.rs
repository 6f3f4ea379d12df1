use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::store::conformance::{Runs, conforms, many};

/// The server that `tests/run` started.
struct Server {
    url: String,
    folder: PathBuf,
}

/// A store of its own on it, gone when dropped.
struct World {
    server: Server,
    schema: String,
}

impl Server {
    fn from_environment() -> Option<Self> {
        let Ok(url) = env::var("SLUGLINE_TEST_POSTGRES") else {
            assert!(env::var("CI").is_err(), "there is no PostgreSQL: `tests/run` starts one");
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
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = Server::from_environment()?;
        let schema = format!("unit_{}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let world = Self { server, schema };
        world.sql(&format!("CREATE SCHEMA {}", world.schema));
        Some(world)
    }

    fn url(&self) -> String {
        format!("{}?options=-csearch_path%3D{}", self.server.url, self.schema)
    }

    fn open(&self) -> Postgres {
        self.server.open(&self.url()).unwrap()
    }

    fn client(&self) -> postgres::Client {
        let mut config: postgres::Config = self.server.url.parse().unwrap();
        use secrecy::ExposeSecret;
        config.password(self.server.password().expose_secret()).options(&format!("-csearch_path={}", self.schema));
        config.connect(postgres::NoTls).unwrap()
    }

    fn sql(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
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
