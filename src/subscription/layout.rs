//! The columns of a list: address, name, status, attributes, and unknown ones that may contain a status.
//!
//! Applies `options` to the header. `services` describes exports of other services; any other list is expected to have
//! the usual columns. `plan` scans the cells before anything is added, `csv_rows` reads them.

use std::path::Path;

use csv::StringRecord;

use crate::finding::{Finding, nearest};
use crate::subscriber::Status;
use crate::subscription::masked::masked;
use crate::subscription::options::{Columns, OptionSource, Options};
use crate::subscription::services::{Service, StatusRule, normalized};
use crate::subscription::status_column::StatusColumn;
use crate::subscription::status_words::{self, STATUS_HEADERS};

/// Headers of the address column in an ordinary list.
const ADDRESS_HEADERS: [&str; 12] = [
    "email",
    "email address",
    "address",
    "邮箱",
    "电子邮箱",
    "电子邮件",
    "邮件地址",
    "邮箱地址",
    "电子邮件地址",
    "郵箱",
    "電子郵件",
    "电邮",
];

/// Headers of the name column in an ordinary list, and of the two that together make one.
const NAME_HEADERS: [&str; 9] = ["name", "full name", "display name", "姓名", "名字", "昵称", "称呼", "暱稱", "稱呼"];
const NAME_PARTS: [&str; 2] = ["first name", "last name"];

/// The time of joining, which `export` writes; an import assigns a new one.
const CREATED: &str = "created";

/// The meaning of each column of a list.
pub(super) struct Layout {
    /// The service whose export it is.
    pub service: Option<&'static Service>,
    /// The address column.
    pub address: usize,
    /// The columns of the name's parts.
    names: Vec<usize>,
    /// A JSON column that may contain the name.
    json_name: Option<usize>,
    /// The status columns.
    pub states: Vec<StatusColumn>,
    /// The status of everyone in the list, whatever the columns say.
    pub whole_list: Option<Status>,
    /// Date columns that every confirmed subscriber has one of.
    confirmed_by: Vec<usize>,
    /// The columns that become attributes, with their names.
    pub attributes: Vec<(usize, String)>,
    /// Unknown columns whose header looks like a status.
    pub suspicious: Vec<usize>,
    /// Unknown columns whose cells may still look like one.
    pub unclassified: Vec<usize>,
}

impl Layout {
    /// Interprets a header. `path` is the name of the list.
    ///
    /// # Errors
    /// A finding without place, if there is no address column, or a named column is missing.
    pub fn new(headers: &[String], path: &str, options: &Options) -> Result<Self, Box<Finding>> {
        let columns = Headers::new(headers, options);
        let Columns { email, name, status } = &options.columns;
        for named in email.iter().chain(name).chain(status).chain(&options.keep) {
            columns.named(named)?;
        }
        let service = Service::of(&columns.normalized);
        let address = columns.address(service)?;
        let states = columns.states(service, address)?;
        let names = columns.names(service, address);
        let find = |header: &str| columns.find(header);
        let json_name = service.and_then(|service| service.json_name).and_then(find);
        // If a word states the status, dates add nothing.
        let dates = service.filter(|_| !states.iter().any(StatusColumn::has_status_words));
        let confirmed_by = dates.map_or(&[][..], |service| service.confirmed_by).iter().map(|header| find(header));
        let mut layout = Self {
            service,
            address,
            names,
            json_name,
            whole_list: options.whole_list.or_else(|| status_of_file(service, path)),
            confirmed_by: confirmed_by.collect::<Option<_>>().unwrap_or_default(),
            states,
            attributes: Vec::new(),
            suspicious: Vec::new(),
            unclassified: Vec::new(),
        };
        layout.classify_rest(&columns);
        Ok(layout)
    }

    /// Decides which of the other columns become attributes, and which must be scanned.
    fn classify_rest(&mut self, columns: &Headers<'_>) {
        let unrelated: Vec<String> =
            self.service.map_or(&[][..], |service| service.unrelated).iter().map(|it| normalized(it)).collect();
        for (at, header) in columns.headers.iter().enumerate() {
            let is_kept = columns.keeps(header);
            let is_used =
                at == self.address || self.names.contains(&at) || self.states.iter().any(|state| state.at == at);
            let is_created = header == CREATED && self.service.is_none();
            if !header.is_empty() && (is_kept || !(is_used || is_created || self.service.is_some())) {
                self.attributes.push((at, header.clone()));
            }
            if is_used || is_kept || unrelated.contains(&columns.normalized[at]) {
                continue;
            }
            if status_words::may_be_status_header(header) {
                self.suspicious.push(at);
            } else if Some(at) != self.json_name {
                self.unclassified.push(at);
            }
        }
    }

    /// Whether a row may have a status other than active.
    pub fn has_status(&self) -> bool {
        self.whole_list.is_some() || !self.states.is_empty() || !self.confirmed_by.is_empty()
    }

    /// Whether there are columns whose cells may stop an import.
    pub fn needs_scan(&self) -> bool {
        !(self.states.is_empty() && self.suspicious.is_empty() && self.unclassified.is_empty())
    }

    /// The display name in a row: its parts joined by spaces.
    pub fn name(&self, record: &StringRecord) -> String {
        let parts: Vec<&str> = self.names.iter().map(|at| field(record, *at)).filter(|part| !part.is_empty()).collect();
        if !parts.is_empty() {
            return parts.join(" ");
        }
        let json = self.json_name.and_then(|at| serde_json::from_str(field(record, at)).ok());
        let json: serde_json::Value = json.unwrap_or_default();
        json["name"].as_str().unwrap_or_default().to_owned()
    }

    /// The status in a row.
    ///
    /// # Errors
    /// The column whose cell is not understood.
    pub fn status(&self, record: &StringRecord) -> Result<Status, usize> {
        if let Some(status) = self.whole_list {
            return Ok(status);
        }
        let is_empty = |at: &usize| field(record, *at).is_empty();
        let mut status = match self.confirmed_by.as_slice() {
            [] => Status::Active,
            dates if dates.iter().all(is_empty) => Status::Unconfirmed,
            _ => Status::Active,
        };
        for column in &self.states {
            let told = column.status(field(record, column.at)).ok_or(column.at)?;
            // Any inactive status counts; unconfirmed is the weakest.
            if matches!(status, Status::Active | Status::Unconfirmed) && told != Status::Active {
                status = told;
            }
        }
        Ok(status)
    }
}

/// A trimmed field of a row, or an empty one if the row is too short.
pub(super) fn field(record: &StringRecord, at: usize) -> &str {
    record.get(at).unwrap_or_default().trim()
}

/// The status of everyone in a file, from the name that a service gives it.
fn status_of_file(service: Option<&Service>, path: &str) -> Option<Status> {
    let name = Path::new(path).file_name()?.to_str()?.to_lowercase();
    service?.files.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, status)| *status)
}

/// The header of a list, with the options.
struct Headers<'a> {
    headers: &'a [String],
    normalized: Vec<String>,
    options: &'a Options,
}

impl<'a> Headers<'a> {
    fn new(headers: &'a [String], options: &'a Options) -> Self {
        Self { headers, normalized: headers.iter().map(|header| normalized(header)).collect(), options }
    }

    /// The first column with this header, in any spelling.
    fn find(&self, header: &str) -> Option<usize> {
        let wanted = normalized(header);
        self.normalized.iter().position(|header| *header == wanted && !wanted.is_empty())
    }

    /// All columns with this header: if two contain the status, either may deactivate.
    fn all(&self, header: &str) -> Vec<usize> {
        let wanted = normalized(header);
        (0..self.normalized.len()).filter(|at| self.normalized[*at] == wanted && !wanted.is_empty()).collect()
    }

    fn first(&self, headers: &[&str]) -> Option<usize> {
        headers.iter().find_map(|header| self.find(header))
    }

    /// The column that the user names.
    fn named(&self, name: &str) -> Result<usize, Box<Finding>> {
        let exact = self.headers.iter().position(|header| header.eq_ignore_ascii_case(name.trim()));
        exact.or_else(|| self.find(name)).ok_or_else(|| Box::new(self.no_column(name)))
    }

    fn keeps(&self, header: &str) -> bool {
        let is = |kept: &String| kept.trim().eq_ignore_ascii_case(header) || normalized(kept) == normalized(header);
        self.options.keep.iter().any(is)
    }

    fn address(&self, service: Option<&Service>) -> Result<usize, Box<Finding>> {
        if let Some(named) = &self.options.columns.email {
            return self.named(named);
        }
        let found = service.and_then(|service| self.first(service.address)).or_else(|| self.first(&ADDRESS_HEADERS));
        found.ok_or_else(|| Box::new(self.no_address()))
    }

    fn names(&self, service: Option<&Service>, address: usize) -> Vec<usize> {
        if let Some(named) = &self.options.columns.name {
            return self.named(named).into_iter().collect();
        }
        let ordinary: [&[&str]; 2] = [&NAME_HEADERS, &NAME_PARTS];
        let groups = service.map_or(&ordinary[..], |service| service.names);
        let found = groups.iter().map(|group| group.iter().filter_map(|header| self.find(header)).collect::<Vec<_>>());
        let mut found = found.map(|group| group.into_iter().filter(|at| *at != address).collect::<Vec<_>>());
        let mut names = found.find(|group| !group.is_empty()).unwrap_or_default();
        if service.is_none() && self.headers.get(names.first().copied().unwrap_or(0)).is_some_and(|it| !is_part(it)) {
            // Of several headers for the full name, the first one counts.
            names.truncate(1);
        }
        names
    }

    /// The status columns: those the user names, and known ones.
    fn states(&self, service: Option<&'static Service>, address: usize) -> Result<Vec<StatusColumn>, Box<Finding>> {
        let known = service.map_or(&[][..], |service| service.states);
        let all = |(header, rule): &'static (&str, StatusRule)| self.all(header).into_iter().map(move |at| (at, rule));
        let known: Vec<(usize, &StatusRule)> = known.iter().flat_map(all).collect();
        let is_alone = known.iter().filter(|(_, rule)| matches!(rule, StatusRule::FileOf(_))).count() == 1;
        let known = known.into_iter().map(|(at, rule)| StatusColumn::of_service(at, rule, is_alone));
        let mut states: Vec<StatusColumn> = known.collect();
        let said = &self.options.states;
        let mut explained = Vec::new();
        for named in &self.options.columns.status {
            let at = self.named(named)?;
            explained.extend(self.all(&self.headers[at]));
        }
        let (is_named, is_explained) = (!explained.is_empty(), !said.is_empty());
        if !is_named {
            let own = STATUS_HEADERS.iter().flat_map(|header| self.all(header));
            let own = own.filter(|at| *at != address && !self.keeps(&self.headers[*at]));
            let worded = states.iter().filter(|state| is_explained && state.has_status_words()).map(|state| state.at);
            let worded: Vec<usize> = worded.collect();
            explained.extend(if service.is_none() { own.collect() } else { worded });
        }
        if explained.is_empty() && is_explained {
            return Err(Box::new(self.no_status()));
        }
        for at in explained {
            let known = states.iter().position(|state| state.at == at).map(|at| states.remove(at));
            states.push(StatusColumn::explained(at, known, said, !is_named && !is_explained));
        }
        Ok(states)
    }

    fn no_column(&self, name: &str) -> Finding {
        let near = nearest(name, self.headers.iter().map(String::as_str));
        let help = near.map_or_else(|| format!("the columns are {}", self.shown()), |near| format!("is it `{near}`?"));
        Finding::error("csv-column", format!("there is no column `{}` in the file", masked(name))).help(help)
    }

    fn no_address(&self) -> Finding {
        let says = self.options.source.mapping("email");
        let help = if self.headers.iter().any(|header| header.contains('@')) {
            "the first line looks like a subscriber; add a line with the column names above it: `email,name`".to_owned()
        } else if self.headers.iter().all(String::is_empty) {
            "the first line of the file must name its columns: `email,name`".to_owned()
        } else {
            format!("name the address column with {says}; the columns are {}", self.shown())
        };
        Finding::error("csv-column", "there is no column `email` in the file").help(help)
    }

    fn no_status(&self) -> Finding {
        let says = self.options.source;
        let message = format!("{} defines values, but no column contains a status", says.flag("states"));
        Finding::error("csv-column", message).help(format!(
            "name the column with {}; the columns are {}",
            says.mapping("status"),
            self.shown()
        ))
    }

    fn shown(&self) -> String {
        let shown: Vec<String> = self.headers.iter().take(12).map(|header| format!("`{}`", masked(header))).collect();
        shown.join(", ")
    }
}

impl OptionSource {
    /// How to name the column of `what`.
    pub(super) fn mapping(self, what: &str) -> String {
        match self {
            Self::Flags => format!("`--map {what}=COLUMN`"),
            Self::ProjectFile => format!("`map: {{{what}: COLUMN}}` below `mail.subscribers`"),
        }
    }

    /// How to write an option.
    pub(super) fn flag(self, name: &str) -> String {
        match self {
            Self::Flags => format!("`--{name}`"),
            Self::ProjectFile => format!("`{name}` below `mail.subscribers`"),
        }
    }
}

fn is_part(header: &str) -> bool {
    NAME_PARTS.iter().any(|part| normalized(part) == normalized(header))
}
