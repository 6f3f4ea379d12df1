//! `slugline preview`: a local page that shows issues as subscribers will see them, while they are written.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::{Context, Exit};
use crate::finding::Finding;
use crate::preview::Preview;
use crate::web;

/// Show issues in the browser as subscribers will see them
///
/// Serves a page to this machine only, until Ctrl-C, and prints its URL. The page follows every file you save; problems are
/// shown with their line, above the last good version.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline preview\n  slugline preview --port 0")]
pub(super) struct Args {
    /// Port to listen on; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 4747)]
    port: u16,
}

/// The document of `preview`, written once the page can be opened.
#[derive(Serialize)]
struct Document<'a> {
    /// URL of the page.
    url: &'a str,
    /// Former name of `url`.
    address: &'a str,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => in_use(args.port).into(),
        _ => anyhow::Error::new(error).context(format!("failed to listen on port {}", args.port)),
    })?;
    let port = listener.local_addr().context("failed to listen")?.port();
    let url = format!("http://localhost:{port}/");
    let ready = || {
        context.report.result(&url, &Document { url: &url, address: &url })?;
        context.report.flush()?;
        context.report.message("Ctrl-C ends the preview");
        Ok(())
    };
    let clock = context.build_clock;
    let preview = Preview::new(context.project.clone(), &context.config_file);
    web::preview::serve(preview, listener, Box::new(move || clock.now()), ready)?;
    Ok(Exit::Done)
}

fn in_use(port: u16) -> Finding {
    Finding::error("port-in-use", format!("port {port} is in use")).help(
        "stop the other program, perhaps another preview, or choose another port with `--port` (0 for any free one)",
    )
}
