//! The watcher thread.
//!
//! One thread per program serves the children of all futures and all detached children. It starts
//! with the first of them, sleeps in `poll` between events, and ends a second after the last one.
//! It spawns no children itself; spawner threads do.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};

use crate::descriptor::above_standard;
use crate::event_loop::{Drive, EventLoop, ReadyFlags};
use crate::reactor::inbox::{Inbox, Pushed};
use crate::reactor::reply::Reply;
use crate::spawner::Spawner;
use crate::tree::proc_scan::ProcScan;

/// How long the thread stays without work, so that a program that starts one child after another
/// keeps it.
const LINGER: Duration = Duration::from_secs(1);

/// Work that the watcher thread drives until it is over.
pub(crate) trait Task: Drive + Send {
    /// Passes the result on once the work is over.
    fn complete(&mut self);

    /// Whether the result is no longer wanted.
    fn is_abandoned(&self) -> bool;

    /// Starts to kill the children.
    fn cancel(&mut self);
}

/// A closure that makes a task, or returns `None` if there is nothing to watch. If there is no
/// watcher thread, it gets the reason and passes it on.
pub(crate) type MakeTask = Box<dyn FnOnce(io::Result<()>) -> Option<Box<dyn Task>> + Send>;

/// A task for the watcher thread.
pub(crate) struct WatchRequest {
    pub(crate) make: MakeTask,
    /// Whether `make` spawns a child. That blocks, so a spawner thread runs it.
    pub(crate) spawns: bool,
}

static INBOX: Mutex<Inbox<WatchRequest>> = Mutex::new(Inbox::new());

/// The eventfd that wakes the thread. It stays open for the life of the program.
static WAKE_EVENT: LazyLock<io::Result<OwnedFd>> = LazyLock::new(|| {
    let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    Ok(above_standard(event)?)
});

fn with_inbox<R>(use_it: impl FnOnce(&mut Inbox<WatchRequest>) -> R) -> R {
    use_it(&mut INBOX.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether this is a forked copy of the process that first submitted a task. `fork` does not copy
/// threads, so a copy has no watcher.
fn is_forked_copy() -> bool {
    static OWNER: AtomicU32 = AtomicU32::new(0);
    let own = process::id();
    let owner = OWNER.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
    owner.is_err_and(|owner| owner != own)
}

/// Has the watcher thread make the task and drive it.
pub(crate) fn submit(request: WatchRequest) {
    if is_forked_copy() {
        (request.make)(Err(io::Error::other("in a forked copy of a program")));
        return;
    }
    if let Err(error) = &*WAKE_EVENT {
        (request.make)(Err(copy_error(error)));
        return;
    }
    match with_inbox(|inbox| inbox.push(request)) {
        Pushed::WakeWatcher => wake(),
        Pushed::StartWatcher => {
            let thread = thread::Builder::new().name("child-process".to_owned());
            if let Err(error) = thread.spawn(run) {
                // Includes requests of other threads that relied on this one.
                for refused in with_inbox(Inbox::take_back) {
                    (refused.make)(Err(copy_error(&error)));
                }
            }
        }
    }
}

/// A copy of an error, which has no `Clone`.
pub(crate) fn copy_error(error: &io::Error) -> io::Error {
    let raw = error.raw_os_error();
    raw.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Wakes the thread, so that it looks for new and abandoned tasks.
pub(crate) fn wake() {
    if let Ok(event) = &*WAKE_EVENT {
        // Fails only if the counter is full, and then the event is readable anyway.
        let _ = rustix::io::write(event, &1_u64.to_ne_bytes());
    }
}

/// The loop of the watcher thread.
fn run() {
    let mut watcher = Watcher {
        tasks: Vec::new(),
        spawner: None,
        idle_until: None,
    };
    let mut event_loop = EventLoop::default();
    loop {
        for request in with_inbox(Inbox::take) {
            watcher.accept(request);
        }
        watcher.receive();
        for task in &mut watcher.tasks {
            if task.is_abandoned() {
                task.cancel();
            }
        }
        watcher.complete_tasks();
        if watcher.tasks.is_empty() && watcher.spawning() == 0 {
            let until = *watcher
                .idle_until
                .get_or_insert_with(|| Instant::now() + LINGER);
            if Instant::now() >= until && with_inbox(Inbox::try_leave) {
                return;
            }
        } else {
            watcher.idle_until = None;
        }
        event_loop.turn(&mut watcher, None);
    }
}

/// The state of the watcher thread.
struct Watcher {
    tasks: Vec<Box<dyn Task>>,
    /// Created with the first task that spawns a child.
    spawner: Option<Spawner<Option<Box<dyn Task>>>>,
    /// When to end unless a task arrives.
    idle_until: Option<Instant>,
}

impl Watcher {
    fn accept(&mut self, request: WatchRequest) {
        let make = move || (request.make)(Ok(()));
        if !request.spawns {
            self.tasks.extend(make());
            return;
        }
        if self.spawner.is_none() {
            self.spawner = Spawner::new().ok();
        }
        let refused = match &mut self.spawner {
            Some(spawner) => spawner.submit(Box::new(make)).err(),
            None => Some(Box::new(make) as _),
        };
        // Without a spawner thread this one spawns the child, and the other children wait.
        if let Some(make) = refused {
            self.tasks.extend(make());
        }
    }

    /// Takes over the children that spawner threads have started.
    fn receive(&mut self) {
        while let Some(task) = self.spawner.as_mut().and_then(Spawner::receive) {
            self.tasks.extend(task);
        }
    }

    fn spawning(&self) -> usize {
        self.spawner.as_ref().map_or(0, Spawner::pending)
    }

    fn complete_tasks(&mut self) {
        for mut task in self.tasks.extract_if(.., |task| task.over()) {
            task.complete();
        }
    }
}

impl Drive for Watcher {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Ok(event) = &*WAKE_EVENT {
            fds.push(PollFd::from_borrowed_fd(event.as_fd(), PollFlags::IN));
        }
        if let Some(spawner) = &self.spawner {
            fds.push(PollFd::from_borrowed_fd(spawner.event(), PollFlags::IN));
        }
        for task in &self.tasks {
            task.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let tasks = self.tasks.iter().filter_map(|task| task.wake_at());
        let slow_spawn = self.spawner.as_ref().and_then(Spawner::wake_at);
        tasks.chain(self.idle_until).chain(slow_spawn).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut ReadyFlags<'_>, scan: &mut ProcScan) {
        if let Ok(event) = &*WAKE_EVENT
            && flags.next()
        {
            let _ = rustix::io::read(event, &mut [0; 8][..]);
        }
        if let Some(spawner) = &mut self.spawner {
            spawner.advance(now, flags.next());
        }
        for task in &mut self.tasks {
            task.advance(now, flags, scan);
        }
    }

    fn over(&self) -> bool {
        false
    }
}

/// A task that sends the result of its work to a future.
pub(crate) struct WatchedTask<W, T> {
    pub(crate) work: W,
    pub(crate) reply: Reply<T>,
    pub(crate) result: fn(&mut W) -> T,
    pub(crate) cancel: fn(&mut W),
}

impl<W: Drive + Send, T: Send> Drive for WatchedTask<W, T> {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        self.work.interests(fds);
    }

    fn wake_at(&self) -> Option<Instant> {
        self.work.wake_at()
    }

    fn advance(&mut self, now: Instant, flags: &mut ReadyFlags<'_>, scan: &mut ProcScan) {
        self.work.advance(now, flags, scan);
    }

    fn over(&self) -> bool {
        self.work.over()
    }
}

impl<W: Drive + Send, T: Send> Task for WatchedTask<W, T> {
    fn complete(&mut self) {
        self.reply.send((self.result)(&mut self.work));
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned()
    }

    fn cancel(&mut self) {
        (self.cancel)(&mut self.work);
    }
}
