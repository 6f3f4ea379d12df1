//! The PostgreSQL that `tests/run` started, for tests that need one; without it they say so and pass, except in CI.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{self, Command};

use crate::skipped::skip;

/// A schema of its own on it, gone when dropped.
pub struct Database {
    url: String,
    schema: String,
}

impl Database {
    /// A new one for the test of that name.
    pub fn new(test: &str) -> Option<Self> {
        let server = Self::server()?;
        let schema = format!("{test}_{}", process::id());
        let database = Self { url: format!("{server}?options=-csearch_path%3D{schema}"), schema };
        database.sql(&format!("CREATE SCHEMA {}", database.schema));
        Some(database)
    }

    /// The URL of the server; a test that gets none says so and passes.
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

    /// What the environment has to say of the password; nothing without a server.
    pub fn password() -> Option<(&'static str, String)> {
        let folder = PathBuf::from(env::var("SLUGLINE_TEST_POSTGRES_DIR").ok()?);
        Some(("SLUGLINE_STORE_PASSWORD", fs::read_to_string(folder.join("password")).unwrap()))
    }

    /// Runs a statement, by a program that is not ours.
    fn sql(&self, statement: &str) {
        let mut psql = Command::new("psql");
        psql.env("PGOPTIONS", "-c client_min_messages=warning").args([
            "--no-psqlrc",
            "--quiet",
            "--dbname",
            &env::var("SLUGLINE_TEST_POSTGRES").unwrap(),
            "--command",
        ]);
        psql.arg(statement).envs(Self::password().map(|(_, password)| ("PGPASSWORD", password)));
        assert!(psql.status().unwrap().success(), "{statement}");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.sql(&format!("DROP SCHEMA {} CASCADE", self.schema));
    }
}
