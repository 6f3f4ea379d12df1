//! The PostgreSQL server started by `tests/run`, for tests that need one; without it they report that they are skipped,
//! except in CI.

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use crate::skipped::skip;

/// A separate schema on it, dropped with this value.
pub struct Database {
    url: String,
    schema: String,
    /// The tablespace of its tables, if not the default.
    tablespace: Option<String>,
}

impl Database {
    /// A new schema for this test.
    pub fn new(test: &str) -> Option<Self> {
        let server = Self::server()?;
        let schema = format!("{test}_{}", process::id());
        let database = Self { url: format!("{server}?options=-csearch_path%3D{schema}"), schema, tablespace: None };
        database.sql(&format!("CREATE SCHEMA {}", database.schema));
        Some(database)
    }

    /// The same, with its tables in a folder that the server can write to.
    pub fn new_in(folder: &Path, test: &str) -> Option<Self> {
        let mut database = Self::new(test)?;
        let server = fs::metadata(env::var("SLUGLINE_TEST_POSTGRES_DIR").unwrap()).unwrap();
        fs::create_dir(folder).unwrap();
        chown(folder, Some(server.uid()), Some(server.gid())).unwrap();
        let name = database.schema.clone();
        database.sql(&format!("CREATE TABLESPACE {name} LOCATION '{}'", folder.display()));
        database.url.push_str(&format!("%20-cdefault_tablespace%3D{name}"));
        database.tablespace = Some(name);
        Some(database)
    }

    /// The URL of the server; without one, the test is skipped.
    pub fn server() -> Option<String> {
        let server = env::var("SLUGLINE_TEST_POSTGRES").ok();
        if server.is_none() {
            skip("there is no PostgreSQL; `tests/run` starts one");
        }
        server
    }

    /// The URL, for `store`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The password for the environment, if there is a server.
    pub fn password() -> Option<(&'static str, String)> {
        let folder = PathBuf::from(env::var("SLUGLINE_TEST_POSTGRES_DIR").ok()?);
        Some(("SLUGLINE_STORE_PASSWORD", fs::read_to_string(folder.join("password")).unwrap()))
    }

    /// Every row of every table, as text.
    pub fn rows(&self) -> String {
        let tables = format!(
            "SELECT table_name, query_to_xml(format('SELECT * FROM %I.%I AS t ORDER BY t::text', table_schema, \
             table_name), true, false, '') FROM information_schema.tables WHERE table_schema = '{}' ORDER BY 1",
            self.schema
        );
        let output = Self::psql().args(["--tuples-only", "--command", &tables]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a statement through psql.
    fn sql(&self, statement: &str) {
        assert!(Self::psql().arg("--command").arg(statement).status().unwrap().success(), "{statement}");
    }

    fn psql() -> Command {
        let mut psql = Command::new("psql");
        psql.env("PGOPTIONS", "-c client_min_messages=warning").args(["--no-psqlrc", "--quiet", "--dbname"]);
        psql.arg(env::var("SLUGLINE_TEST_POSTGRES").unwrap());
        psql.envs(Self::password().map(|(_, password)| ("PGPASSWORD", password)));
        psql
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.sql(&format!("DROP SCHEMA {} CASCADE", self.schema));
        if let Some(tablespace) = &self.tablespace {
            self.sql(&format!("DROP TABLESPACE {tablespace}"));
        }
    }
}
