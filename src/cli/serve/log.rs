//! The log of `slugline serve`, on stderr: with `--log json` a line per request, otherwise lines about problems only.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::cli::Context;
use crate::cli::clock::Clock;
use crate::cli::report::Report;
use crate::web::readers::{Event, Exchange};

/// Writes the log.
#[derive(Debug, Clone)]
pub(super) struct Logger {
    report: Report,
    clock: Clock,
    is_json: bool,
}

/// A line about a request.
#[derive(Serialize)]
struct RequestLine<'a> {
    time: String,
    method: &'a str,
    route: &'a str,
    status: u16,
    ms: f64,
    network: String,
    outcome: &'a str,
}

/// A line about a problem.
#[derive(Serialize)]
struct ProblemLine<'a> {
    time: String,
    problem: &'a str,
}

impl Logger {
    pub fn new(context: &Context, is_json: bool) -> Self {
        Self { report: context.report.clone(), clock: context.clock, is_json }
    }

    pub fn event(&self, event: Event) {
        let line = match (event, self.is_json) {
            (Event::Exchange(_), false) => return,
            (Event::Exchange(exchange), true) => json(&RequestLine::of(&exchange)),
            (Event::Problem(problem), false) => format!("{} {problem}", rfc3339(self.clock.now())),
            (Event::Problem(problem), true) => {
                json(&ProblemLine { time: rfc3339(self.clock.now()), problem: &problem })
            }
        };
        self.report.log(&line);
    }
}

impl<'a> RequestLine<'a> {
    fn of(exchange: &Exchange) -> Self
    where
        'static: 'a,
    {
        Self {
            time: rfc3339(exchange.time),
            method: exchange.method,
            route: exchange.route,
            status: exchange.status,
            ms: (exchange.duration.as_secs_f64() * 10_000.0).round() / 10.0,
            network: exchange.network.to_string(),
            outcome: exchange.what,
        }
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_about_a_request_is_an_object() {
        let exchange = Exchange {
            time: DateTime::UNIX_EPOCH,
            method: "POST",
            route: "/leave/{token}",
            status: 200,
            duration: Duration::from_micros(1260),
            network: "203.0.113.0/24".parse().unwrap(),
            what: "left",
        };
        let expected = r#"{"time":"1970-01-01T00:00:00.000Z","method":"POST","route":"/leave/{token}","status":200,"ms":1.3,"network":"203.0.113.0/24","outcome":"left"}"#;
        assert_eq!(json(&RequestLine::of(&exchange)), expected);
    }
}
