//! Where the store is, as the project file names it: `sqlite:FILE` or `postgres://…`.

use std::path::PathBuf;

/// Where subscribers and ledger are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Location {
    /// A SQLite file below the project folder.
    Sqlite(PathBuf),
    /// A database on a PostgreSQL server.
    Postgres(Database),
}

/// A database on a PostgreSQL server.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// Its URL in libpq's syntax, without a password.
    pub url: String,
    /// File with the password, relative to the project folder; SLUGLINE_STORE_PASSWORD takes precedence.
    pub password_file: Option<PathBuf>,
}

impl Location {
    /// Parses `sqlite:FILE` or `postgres://…`. Apart from the password, a URL is checked when it is used.
    ///
    /// # Errors
    /// If it is neither, or the URL contains a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(file) = text.strip_prefix("sqlite:").filter(|file| !file.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(file)));
        }
        let url = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let url = url.ok_or_else(|| format!("`{text}`"))?;
        let (authority, query) = url.split_once('?').unwrap_or((url, ""));
        let login = authority.rsplit_once('@').map_or("", |(login, _)| login);
        let names_password =
            |pair: &str| pair.split('=').next().is_some_and(|key| key.eq_ignore_ascii_case("password"));
        if login.contains(':') || query.split('&').any(names_password) {
            let places = "the environment variable SLUGLINE_STORE_PASSWORD, or a file named by `store_password_file`";
            return Err(format!("a password does not belong in the URL but in {places}"));
        }
        Ok(Self::Postgres(Database { url: text.to_owned(), password_file: None }))
    }
}

impl Database {
    /// The URL without its parameters, as messages name the database.
    pub fn place(&self) -> &str {
        without_parameters(&self.url)
    }
}

/// A database URL without its parameters, as messages name it.
pub(super) fn without_parameters(url: &str) -> &str {
    url.split_once('?').map_or(url, |(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_or_a_url_without_a_password_is_read() {
        assert_eq!(Location::parse("sqlite:readers.db"), Ok(Location::Sqlite(PathBuf::from("readers.db"))));
        for url in
            ["postgres://weekly@db.example.org/weekly", "postgresql:///weekly?host=/run/postgresql&sslmode=disable"]
        {
            let database = Database { url: url.to_owned(), password_file: None };
            assert_eq!(Location::parse(url), Ok(Location::Postgres(database)));
        }
        for wrong in ["", "sqlite:", "readers.db", "mysql://db.example.org"] {
            assert!(Location::parse(wrong).is_err(), "{wrong}");
        }
        for url in
            ["postgres://me:hunter2@db.example.org/weekly", "postgres://db.example.org/weekly?a=b&Password=hunter2"]
        {
            let why = Location::parse(url).unwrap_err();
            assert!(why.contains("SLUGLINE_STORE_PASSWORD") && !why.contains("hunter2"), "{why}");
        }
    }
}
