//! Waiting for sockets and for the next request at once, to the microsecond. The timeout of
//! `epoll_wait` has only milliseconds, and spinning would take a processor from the server.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// The number of the timer; no socket has it.
const TIMER: u64 = u64::MAX;

/// The limit on events per wait.
const AT_ONCE: usize = 256;

/// Numbered sockets and a timer.
pub(crate) struct Clock {
    epoll: OwnedFd,
    timer: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Clock {
    pub(crate) fn new() -> io::Result<Clock> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        epoll::add(&epoll, &timer, EventData::new_u64(TIMER), EventFlags::IN)?;
        Ok(Clock {
            epoll,
            timer,
            events: Vec::with_capacity(AT_ONCE),
        })
    }

    pub(crate) fn add(&self, socket: &TcpStream, number: usize) -> io::Result<()> {
        let data = EventData::new_u64(number as u64);
        Ok(epoll::add(&self.epoll, socket, data, EventFlags::IN)?)
    }

    /// Waits until a socket is readable, at most until `until`. Returns the numbers of the readable
    /// sockets.
    pub(crate) fn wait(&mut self, until: Instant) -> io::Result<Vec<usize>> {
        let left = until.saturating_duration_since(Instant::now());
        // A time of zero would disarm the timer.
        let left = left.max(Duration::from_nanos(1));
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: Timespec::try_from(left)
                .map_err(|_| io::Error::other("a time beyond the clock's range"))?,
        };
        // Setting the timer also clears an earlier expiry.
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            None,
        ) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let numbers = self.events.iter().map(|event| event.data.u64());
        Ok(numbers
            .filter(|number| *number != TIMER)
            .filter_map(|number| usize::try_from(number).ok())
            .collect())
    }
}
