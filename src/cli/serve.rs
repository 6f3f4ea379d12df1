//! `slugline serve`: lets readers subscribe, confirm, leave and come back by themselves.

use std::io;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;

use crate::cli::serve::log::Logger;
use crate::cli::serve::upkeep::Upkeep;
use crate::cli::{Context, Exit};
use crate::compose::secrets;
use crate::config::Config;
use crate::finding::Finding;
use crate::serve::{Listen, Options, Service};
use crate::store::moving::Movable;
use crate::store::{Location, StoreError};
use crate::web::readers::{self, Event, Face, Limits, Listener, OpenStore};

mod log;
mod upkeep;

/// Let readers subscribe, confirm, leave and come back by themselves
///
/// Answers below `serve.url`, behind a web server that has the certificate, until SIGTERM or Ctrl-C; requests in progress are
/// answered before it ends. It mails what readers wait for at once: links to confirm and to undo. `/healthz` tells whether it
/// runs, `/readyz` whether it can read the store.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline serve\n  slugline serve --listen unix:/run/slugline/socket --log json")]
pub(super) struct Args {
    /// Where to listen: `ADDRESS:PORT`, with port 0 for any free one, or `unix:PATH` [default: `serve.listen`]
    #[arg(long, value_name = "ADDR")]
    listen: Option<Listen>,
    /// Write a line per request to stderr, without addresses and tokens [default: a line only about problems]
    #[arg(long, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    /// One JSON object per line
    Json,
}

/// The document of `serve`, written once it answers.
#[derive(Serialize)]
struct Document<'a> {
    /// Where it listens: `ADDRESS:PORT`, or `unix:PATH`.
    listen: &'a str,
    /// The address of the pages, as readers reach it.
    url: &'a str,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let config = context.config()?;
    let options = config.serve.clone().ok_or_else(no_address)?;
    let logger = Logger::new(context, args.log.is_some());
    let service = Arc::new(service(context, &config, &options)?);
    check_store(context, &config, &service)?;
    let listen = args.listen.clone().unwrap_or_else(|| options.listen.clone());
    let listener = bind(context, &listen)?;
    let (address, url) = (listener.address()?.to_string(), options.url.to_string());
    let (clock, answering, open_store) = (context.clock, Arc::clone(&service), opener(context, &config));
    let mut upkeep = Upkeep::new(context, config, service, Arc::clone(&open_store), logger.clone());
    let log = logger.clone();
    let face = Face {
        options,
        limits: Limits::default(),
        respond: Arc::new(move |request, store, now| answering.respond(request, store, now)),
        open_store,
        send_queued: Box::new(move |is_stopping: &AtomicBool| upkeep.turn(is_stopping)),
        log: Arc::new(move |event| log.event(event)),
        clock: Arc::new(move || clock.now()),
    };
    tell_panics_without_their_text(logger);
    readers::serve(face, listener, || {
        context.report.result(&address, &Document { listen: &address, url: &url })?;
        context.report.flush()?;
        context
            .report
            .message(&format!("Readers are served at {url} as soon as your web server passes them on to here."));
        Ok(())
    })?;
    Ok(Exit::Done)
}

fn no_address() -> Finding {
    Finding::error("serve-missing", "the project file does not say at which address readers are served")
        .help("add `serve: {url: https://news.example.org/}`")
}

/// The service, with the project's own templates.
fn service(context: &Context, config: &Config, options: &Options) -> anyhow::Result<Service> {
    let secrets = Arc::new(secrets::secrets(&context.project, config)?);
    let languages = config.publications().into_iter().map(|publication| publication.language.clone()).collect();
    let own = |name: &str| context.project.text_if_exists(format!("templates/{name}"));
    Service::new(options.clone(), &config.publication, languages, secrets, &own)
}

/// Opens the store once, to say what is wrong before readers meet it.
fn check_store(context: &Context, config: &Config, service: &Service) -> anyhow::Result<()> {
    let mut store = context.movable_store(&config.store, None)?;
    if let Some(moved) = store.moved()? {
        let place = match &config.store {
            Location::Sqlite(file) => file.display().to_string(),
            Location::Postgres(database) => database.place().to_owned(),
        };
        let (to, begun, ended) = (moved.place, moved.begun, moved.ended.is_some());
        return Err(StoreError::Moved { place, to, begun, ended }.into());
    }
    Ok(service.prepare(&mut *store)?)
}

fn opener(context: &Context, config: &Config) -> OpenStore {
    let (project, location) = (context.project.clone(), config.store.clone());
    Arc::new(move || -> Result<Box<dyn Movable>, StoreError> {
        crate::store::open_movable(&location, None, &|file| project.path(file))
    })
}

fn bind(context: &Context, listen: &Listen) -> anyhow::Result<Listener> {
    Listener::bind(listen, |path| context.project.path(path)).map_err(|error| {
        let kind = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::AddrInUse) => Finding::error("port-in-use", format!("`{listen}` is in use"))
                .help("stop the other program, perhaps another `slugline serve`, or choose another address with `--listen`")
                .into(),
            _ => error,
        }
    })
}

/// The text of a panic may contain what a reader sent; its place is enough to find the fault.
fn tell_panics_without_their_text(logger: Logger) {
    panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        logger.event(Event::Problem(format!("a panic{place}, which is a fault of slugline: please report it")));
    }));
}
