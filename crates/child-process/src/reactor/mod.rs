//! The thread that watches children for futures, and for those that were detached.
//!
//! There is one for the whole program. It starts with the first child that needs it, sleeps in the kernel while nothing
//! happens, and ends some time after the last one. It starts no children itself: other threads do.

mod inbox;
mod slot;
mod sync;

pub(crate) use slot::{Slot, Taken};

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};

use crate::descriptor::above_standard;
use crate::drive::{Drive, Flags, Turns};
use crate::starter::Starter;
use crate::tree::Census;
use inbox::{Given, Inbox};

/// How long to stay without work: a program that starts one child after another keeps its thread.
const LINGER: Duration = Duration::from_secs(1);

/// Something to watch until it is over.
pub(crate) trait Task: Drive + Send {
    /// It is over: hand the result to whoever waits.
    fn complete(&mut self);

    /// Whether nobody waits for it any more.
    fn abandoned(&self) -> bool;

    /// End it at once.
    fn end(&mut self);
}

/// Makes the task, or `None` if there is nothing to watch. If there is no thread, it gets the reason,
/// and passes it on to whoever waits.
pub(crate) type Make = Box<dyn FnOnce(io::Result<()>) -> Option<Box<dyn Task>> + Send>;

/// A task for the watching thread.
pub(crate) struct Order {
    pub(crate) make: Make,
    /// Making it starts a child, which takes its time, so another thread does it.
    pub(crate) starts: bool,
}

static INBOX: Mutex<Inbox<Order>> = Mutex::new(Inbox::new());

/// Wakes the thread. It stays open for the life of the program.
static BELL: LazyLock<io::Result<OwnedFd>> = LazyLock::new(|| {
    let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    Ok(above_standard(bell)?)
});

fn with_inbox<R>(use_it: impl FnOnce(&mut Inbox<Order>) -> R) -> R {
    use_it(&mut INBOX.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether this is a forked copy of the program that first had something watched. A thread is not
/// copied, so nothing would be watched here.
fn is_copy() -> bool {
    static OWNER: AtomicU32 = AtomicU32::new(0);
    let own = process::id();
    let owner = OWNER.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
    owner.is_err_and(|owner| owner != own)
}

/// Has the task made and watched.
pub(crate) fn submit(order: Order) {
    if is_copy() {
        (order.make)(Err(io::Error::other("in a forked copy of a program")));
        return;
    }
    if let Err(error) = &*BELL {
        (order.make)(Err(same(error)));
        return;
    }
    match with_inbox(|inbox| inbox.give(order)) {
        Given::ToTheWatcher => ring(),
        Given::StartAWatcher => {
            let thread = thread::Builder::new().name("child-process".to_owned());
            if let Err(error) = thread.spawn(watch) {
                // Others may have relied on this thread meanwhile.
                for refused in with_inbox(Inbox::take_back) {
                    (refused.make)(Err(same(&error)));
                }
            }
        }
    }
}

/// An error cannot be cloned.
pub(crate) fn same(error: &io::Error) -> io::Error {
    let raw = error.raw_os_error();
    raw.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Has the thread look at what has changed.
pub(crate) fn ring() {
    if let Ok(bell) = &*BELL {
        // Full means that it rings already.
        let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
    }
}

fn watch() {
    let mut all = All {
        tasks: Vec::new(),
        starter: None,
        idle: None,
    };
    let mut turns = Turns::default();
    loop {
        for order in with_inbox(Inbox::take) {
            all.accept(order);
        }
        all.receive();
        for task in &mut all.tasks {
            if task.abandoned() {
                task.end();
            }
        }
        all.collect();
        if all.tasks.is_empty() && all.starting() == 0 {
            let until = *all.idle.get_or_insert_with(|| Instant::now() + LINGER);
            if Instant::now() >= until && with_inbox(Inbox::leave) {
                return;
            }
        } else {
            all.idle = None;
        }
        turns.turn(&mut all, None);
    }
}

struct All {
    tasks: Vec<Box<dyn Task>>,
    /// With the first task that starts a child.
    starter: Option<Starter<Option<Box<dyn Task>>>>,
    /// When to end, if nothing comes.
    idle: Option<Instant>,
}

impl All {
    fn accept(&mut self, order: Order) {
        let make = move || (order.make)(Ok(()));
        if !order.starts {
            self.tasks.extend(make());
            return;
        }
        if self.starter.is_none() {
            self.starter = Starter::new().ok();
        }
        let refused = match &mut self.starter {
            Some(starter) => starter.give(Box::new(make)).err(),
            None => Some(Box::new(make) as _),
        };
        // Without another thread this one does it, and the others wait.
        if let Some(make) = refused {
            self.tasks.extend(make());
        }
    }

    /// Takes what was started meanwhile.
    fn receive(&mut self) {
        while let Some(task) = self.starter.as_mut().and_then(Starter::take) {
            self.tasks.extend(task);
        }
    }

    fn starting(&self) -> usize {
        self.starter.as_ref().map_or(0, Starter::at_hand)
    }

    fn collect(&mut self) {
        for mut task in self.tasks.extract_if(.., |task| task.over()) {
            task.complete();
        }
    }
}

impl Drive for All {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if let Ok(bell) = &*BELL {
            fds.push(PollFd::from_borrowed_fd(bell.as_fd(), PollFlags::IN));
        }
        if let Some(starter) = &self.starter {
            fds.push(PollFd::from_borrowed_fd(starter.bell(), PollFlags::IN));
        }
        for task in &self.tasks {
            task.interests(fds);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let tasks = self.tasks.iter().filter_map(|task| task.wake_at());
        let slow_start = self.starter.as_ref().and_then(Starter::wake_at);
        tasks.chain(self.idle).chain(slow_start).min()
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        if let Ok(bell) = &*BELL
            && flags.next()
        {
            let _ = rustix::io::read(bell, &mut [0; 8][..]);
        }
        if let Some(starter) = &mut self.starter {
            starter.tend(now, flags.next());
        }
        for task in &mut self.tasks {
            task.advance(now, flags, census);
        }
    }

    fn over(&self) -> bool {
        false
    }
}

/// Has a result put into a slot when its work is over.
pub(crate) struct Watched<W, T> {
    pub(crate) work: W,
    pub(crate) slot: Arc<Slot<T>>,
    pub(crate) result: fn(&mut W) -> T,
    pub(crate) end: fn(&mut W),
}

impl<W: Drive + Send, T: Send> Drive for Watched<W, T> {
    fn interests<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        self.work.interests(fds);
    }

    fn wake_at(&self) -> Option<Instant> {
        self.work.wake_at()
    }

    fn advance(&mut self, now: Instant, flags: &mut Flags<'_>, census: &mut Census) {
        self.work.advance(now, flags, census);
    }

    fn over(&self) -> bool {
        self.work.over()
    }
}

impl<W: Drive + Send, T: Send> Task for Watched<W, T> {
    fn complete(&mut self) {
        self.slot.put((self.result)(&mut self.work));
    }

    fn abandoned(&self) -> bool {
        self.slot.abandoned()
    }

    fn end(&mut self) {
        (self.end)(&mut self.work);
    }
}
