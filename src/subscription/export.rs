//! Subscribers as CSV and JSON, written one by one: a million take no more memory than one.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::store::Store;
use crate::subscriber::{Status, Subscriber};

/// Writes subscribers as CSV that `import` reads back: `email,name,status,created` and every attribute.
///
/// # Errors
/// If the store or the output fails.
pub fn csv(store: &dyn Store, status: Option<Status>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut attributes: Vec<String> = Vec::new();
    store.each_subscriber(status, &mut |subscriber| {
        for name in subscriber.attributes.keys() {
            if !attributes.contains(name) {
                attributes.push(name.clone());
            }
        }
        Ok(())
    })?;
    let mut csv = csv::WriterBuilder::new().buffer_capacity(64 * 1024).from_writer(out);
    let header = ["email", "name", "status", "created"].into_iter().chain(attributes.iter().map(String::as_str));
    csv.write_record(header).map_err(output)?;
    store.each_subscriber(status, &mut |subscriber| {
        csv.write_record(fields(&subscriber, &attributes)).map_err(output)
    })?;
    Ok(csv.flush()?)
}

/// Writes subscribers as one JSON document: `{"subscribers": [...]}`.
///
/// # Errors
/// If the store or the output fails.
pub fn json(store: &dyn Store, status: Option<Status>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    out.write_all(b"{\n  \"subscribers\": [")?;
    let mut between = "\n";
    store.each_subscriber(status, &mut |subscriber| {
        let row = serde_json::to_string_pretty(&Row::of(subscriber))?;
        write!(out, "{between}    {}", row.replace('\n', "\n    "))?;
        between = ",\n";
        Ok(())
    })?;
    out.write_all(if between == "\n" { b"]\n}\n" } else { b"\n  ]\n}\n" })?;
    Ok(out.flush()?)
}

/// A subscriber.
#[derive(Serialize)]
struct Row {
    /// The email address.
    address: String,
    /// Former name of `address`.
    email: String,
    /// Display name.
    name: String,
    /// Status, such as `active`.
    status: &'static str,
    /// When they subscribed.
    created: String,
    /// Every other column of the list they were imported from.
    attributes: serde_json::Map<String, serde_json::Value>,
}

impl Row {
    fn of(subscriber: Subscriber) -> Self {
        Self {
            address: subscriber.address.to_string(),
            email: subscriber.address.to_string(),
            name: subscriber.name,
            status: subscriber.status.as_str(),
            created: subscriber.created.to_rfc3339(),
            attributes: subscriber.attributes,
        }
    }
}

fn fields(subscriber: &Subscriber, attributes: &[String]) -> Vec<String> {
    let mut fields = vec![
        subscriber.address.to_string(),
        subscriber.name.clone(),
        subscriber.status.to_string(),
        subscriber.created.to_rfc3339(),
    ];
    fields.extend(attributes.iter().map(|name| match subscriber.attributes.get(name) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }));
    fields
}

/// Unwraps the output's error, so that the caller can recognise a closed pipe.
fn output(error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => io::Error::other(format!("{other:?}")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::subscriber::NewSubscriber;

    /// A reader that has seen enough, like `head`.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn with_readers(count: usize, test: impl FnOnce(&dyn Store)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(&folder.path().join("store.db")).unwrap();
        let new =
            |number| NewSubscriber::new(format!("r{number}@example.org").parse().unwrap(), "Line\nbreak \"and\" 引号");
        store.add_subscribers(&mut (0..count).map(new), "2026-11-23T08:00:00Z".parse().unwrap()).unwrap();
        test(&store);
    }

    #[test]
    fn the_json_is_one_document_formatted_like_the_others() {
        for count in 0..3 {
            with_readers(count, |store| {
                let mut out = Vec::new();
                json(store, None, &mut out).unwrap();
                let text = String::from_utf8(out).unwrap();
                let document: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(document["subscribers"].as_array().unwrap().len(), count);
                assert_eq!(text, serde_json::to_string_pretty(&document).unwrap() + "\n");
            });
        }
    }

    #[test]
    fn a_closed_pipe_is_recognised() {
        with_readers(1000, |store| {
            for write in [csv, json] {
                let error = write(store, None, &mut Closed).unwrap_err();
                assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::BrokenPipe);
            }
        });
    }
}
