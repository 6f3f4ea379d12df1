//! Sends the messages that requests have queued: on a thread of its own, as soon as one was queued, and now and then for those
//! whose time has come or that another process left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::web::readers::{Event, Log, SendQueued};

/// Wakes the thread. It has room for one call: more of them while messages are sent mean the same.
#[derive(Debug, Clone)]
pub(super) struct Waker(SyncSender<()>);

impl Waker {
    /// A message was queued.
    pub fn wake(&self) {
        let _ = self.0.try_send(());
    }
}

/// The thread that sends.
pub(super) struct SendingThread {
    waker: Waker,
    is_stopping: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl SendingThread {
    /// Calls `send_queued` at once, after each `wake`, and when `pause` has passed since the last time.
    pub fn start(mut send_queued: SendQueued, pause: Duration, log: Log) -> anyhow::Result<Self> {
        let (wake, woken) = mpsc::sync_channel(1);
        let (end, ended) = mpsc::channel();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let must_stop = Arc::clone(&is_stopping);
        let run = move || {
            let _end = end;
            while !must_stop.load(Ordering::Relaxed) {
                if catch_unwind(AssertUnwindSafe(|| send_queued(&must_stop))).is_err() {
                    log(Event::Problem("sending the queued messages failed, which is a fault of slugline".to_owned()));
                }
                if woken.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
        };
        thread::Builder::new().name("sending".to_owned()).spawn(run).context("failed to start a thread")?;
        Ok(Self { waker: Waker(wake), is_stopping, ended })
    }

    /// Wakes it.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Lets it end after the message it sends now, and waits for it no longer than this.
    pub fn stop(self, most: Duration) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.waker.wake();
        // What it could not finish is settled by the next process.
        let _ = self.ended.recv_timeout(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sends_at_once_when_woken_and_after_a_pause() {
        let (sent, calls) = mpsc::channel();
        let quiet: Log = Arc::new(|_| {});
        let hour = Duration::from_secs(3600);
        let count = sent.clone();
        let thread =
            SendingThread::start(Box::new(move |_| count.send(()).unwrap()), hour, Arc::clone(&quiet)).unwrap();
        calls.recv().unwrap();
        thread.waker().wake();
        calls.recv().unwrap();
        thread.stop(hour);
        let thread = SendingThread::start(Box::new(move |_| sent.send(()).unwrap()), Duration::ZERO, quiet).unwrap();
        (0..3).for_each(|_| calls.recv().unwrap());
        thread.stop(hour);
    }

    #[test]
    fn a_panic_is_logged_and_it_goes_on() {
        let (sent, calls) = mpsc::channel();
        let (logged, problems) = mpsc::channel();
        let logged = std::sync::Mutex::new(logged);
        let log: Log = Arc::new(move |event| {
            let Event::Problem(problem) = event else { panic!("{event:?}") };
            logged.lock().unwrap().send(problem).unwrap();
        });
        let mut number = 0;
        let send = move |_: &AtomicBool| {
            number += 1;
            assert!(number > 1, "the first time fails, as this test wants it");
            sent.send(()).unwrap();
        };
        let thread = SendingThread::start(Box::new(send), Duration::ZERO, log).unwrap();
        calls.recv().unwrap();
        assert!(problems.recv().unwrap().starts_with("sending the queued messages failed"));
        drop(calls);
        thread.stop(Duration::ZERO);
    }
}
