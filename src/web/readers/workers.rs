//! The threads that answer requests, each with a store of its own: stores block, and belong to one thread at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use tokio::sync::oneshot;

use crate::store::moving::Movable;
use crate::web::readers::OpenStore;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The store cannot be opened: why.
    NoStore(String),
    /// The code panicked, which is a fault of this program.
    Panicked,
}

/// Whether a thread keeps its store or opens it anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    Keep,
    Reopen,
}

type Work = Box<dyn FnOnce(Result<&mut dyn Movable, String>) -> Afterwards + Send>;

/// The threads, which end when this is dropped and their work is done.
#[derive(Debug)]
pub(super) struct Workers {
    work: Sender<Work>,
}

impl Workers {
    pub fn start(number: usize, open: &OpenStore) -> anyhow::Result<Self> {
        let (work, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 1..=number {
            let (queue, open) = (Arc::clone(&queue), Arc::clone(open));
            let thread = thread::Builder::new().name(format!("reader-{number}"));
            thread.spawn(move || serve(&queue, &open)).context("failed to start a thread")?;
        }
        Ok(Self { work })
    }

    /// Calls `work` with a store on one of the threads. It is not called if the caller has given up before.
    pub async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Movable) -> (T, Afterwards) + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, result) = oneshot::channel();
        let work: Work = Box::new(move |store| {
            let (result, afterwards) = match store {
                _ if answer.is_closed() => return Afterwards::Keep,
                Ok(store) => {
                    let (result, afterwards) = work(store);
                    (Ok(result), afterwards)
                }
                Err(why) => (Err(Failure::NoStore(why)), Afterwards::Reopen),
            };
            // Nobody waits any more: the reader has gone.
            let _ = answer.send(result);
            afterwards
        });
        // The threads go on as long as this exists.
        let _ = self.work.send(work);
        result.await.unwrap_or(Err(Failure::Panicked))
    }
}

fn serve(queue: &Mutex<Receiver<Work>>, open: &OpenStore) {
    let mut kept: Option<Box<dyn Movable>> = None;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        let answered = catch_unwind(AssertUnwindSafe(|| {
            let store = match kept.take() {
                Some(store) => Ok(store),
                None => open().map_err(|error| format!("{error:#}")),
            };
            match store {
                Ok(mut store) => match work(Ok(&mut *store)) {
                    Afterwards::Keep => Some(store),
                    Afterwards::Reopen => None,
                },
                Err(why) => {
                    work(Err(why));
                    None
                }
            }
        }));
        // A store whose use panicked may be in the middle of anything.
        kept = answered.unwrap_or_default();
    }
}
