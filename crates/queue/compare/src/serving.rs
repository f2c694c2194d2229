//! A server: one thread finds the sessions that have a request, and workers take them from a queue.

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use effective_queue::Queue;
use workload::serve::{Readiness, Service};
use workload::task::Failure;

/// Serves all sessions to their end. At most `room` sessions wait for a worker; when that many do,
/// no other session is polled.
pub(crate) fn serve(
    workers: usize,
    room: Option<NonZeroUsize>,
    service: &Arc<Service>,
    listener: &TcpListener,
) -> Result<(), Failure> {
    let sessions = Readiness::accept(Arc::clone(service), listener)?;
    let ready = room.map_or_else(Queue::unbounded, Queue::bounded);
    thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            let (ready, sessions) = (ready.clone(), &sessions);
            scope.spawn(move || {
                for session in &ready {
                    sessions.serve(*session);
                }
            });
        }
        while let Some(session) = sessions.next() {
            if ready.put(session).is_err() {
                break;
            }
        }
        // Queued sessions are served first.
        ready.close();
    });
    Ok(())
}
