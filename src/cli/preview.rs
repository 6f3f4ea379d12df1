//! `slugline preview`: a page on this machine that shows issues as subscribers will see them, while they are written.

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
/// Serves a page to this machine alone until Ctrl-C, and prints its address. The page follows every file you save; what
/// is wrong is shown with its line, above the last version that was good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  slugline preview\n  slugline preview --port 0")]
pub(super) struct Args {
    /// Port to listen at; 0: one that is free
    #[arg(long, value_name = "PORT", default_value_t = 4747)]
    port: u16,
}

#[derive(Serialize)]
struct Document {
    address: String,
}

pub(super) fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => in_use(args.port).into(),
        _ => anyhow::Error::new(error).context(format!("failed to listen at port {}", args.port)),
    })?;
    let port = listener.local_addr().context("failed to listen")?.port();
    let address = format!("http://localhost:{port}/");
    let ready = || {
        context.report.result(&address, &Document { address: address.clone() })?;
        context.report.message("Ctrl-C ends the preview");
        Ok(())
    };
    let clock = context.build_clock;
    let preview = Preview::new(context.project.clone(), &context.config_file);
    web::serve(preview, listener, Box::new(move || clock.now()), ready)?;
    Ok(Exit::Done)
}

fn in_use(port: u16) -> Finding {
    Finding::error("port-in-use", format!("another program listens at port {port} already"))
        .help("end it, perhaps a preview of its own; or name another port with `--port`, 0 for any that is free")
}
