//! Worker threads that call coroutines on one tokio loop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use effective_bridge::{LocalPortal, Offload, Portal};
use tokio::runtime::Builder;
use workload::model::{Batch, Outputs};
use workload::task::{Failure, Output};

use crate::io::LoopIo;

/// A tokio loop on a thread of its own, and the portal to it.
#[derive(Debug)]
pub struct Loop {
    /// `None` once the loop must end.
    portal: Option<LocalPortal>,
    thread: Option<JoinHandle<()>>,
    io: LoopIo,
}

impl Loop {
    pub(crate) fn start(offload: Offload) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::new)?;
        let (send, receive) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("loop".to_owned())
            .spawn(move || {
                let (portal, portal_loop) = Portal::local();
                // The receiver waits.
                let _ = send.send(portal);
                runtime.block_on(portal_loop);
            })
            .map_err(Failure::new)?;
        Ok(Self {
            portal: Some(receive.recv().map_err(Failure::new)?),
            thread: Some(thread),
            io: LoopIo { offload },
        })
    }

    pub(crate) fn map(&self, batch: &Arc<Batch>, workers: usize) -> Outputs {
        let next = AtomicUsize::new(0);
        let mut outputs: Vec<Option<Output>> = (0..batch.len()).map(|_| None).collect();
        let parts: Vec<Vec<(usize, Output)>> = thread::scope(|threads| {
            let workers: Vec<_> = (0..workers)
                .map(|_| threads.spawn(|| self.work(batch, &next)))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_default())
                .collect()
        });
        for (index, output) in parts.into_iter().flatten() {
            outputs[index] = Some(output);
        }
        outputs
            .into_iter()
            .map(|output| output.unwrap_or_else(|| Err(Failure::new("a worker was lost"))))
            .collect()
    }

    /// The loop of one worker: calls the coroutine of the next task and waits for it.
    fn work(&self, batch: &Arc<Batch>, next: &AtomicUsize) -> Vec<(usize, Output)> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= batch.len() {
                return done;
            }
            done.push((index, self.one(batch, index)));
        }
    }

    fn one(&self, batch: &Arc<Batch>, index: usize) -> Output {
        let Some(portal) = &self.portal else {
            return Err(Failure::new("the loop has ended"));
        };
        let (batch, io) = (Arc::clone(batch), self.io.clone());
        let call = portal.call(move || async move { batch.run_async(index, &io).await });
        call.wait().unwrap_or_else(|error| Err(Failure::new(error)))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // The loop ends with its last portal.
        self.portal = None;
        if let Some(thread) = self.thread.take() {
            // The thread returns no value.
            let _ = thread.join();
        }
    }
}
