//! Learns that the process is asked to stop.

use std::pin::pin;

use anyhow::Context as _;
use futures_util::future::select;

/// Resolves on SIGINT (Ctrl-C) or SIGTERM.
#[cfg(unix)]
pub(super) fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("failed to listen for signals");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        select(pin!(interrupt.recv()), pin!(terminate.recv())).await;
    })
}

#[cfg(not(unix))]
pub(super) fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
