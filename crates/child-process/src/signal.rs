//! The signals that a caller may send.

/// A signal for a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGHUP`: the terminal is gone; many daemons read their settings again.
    Hangup,
    /// `SIGINT`: what Ctrl-C sends.
    Interrupt,
    /// `SIGQUIT`: end, and leave a core.
    Quit,
    /// `SIGUSR1`: for the program to give a meaning.
    User1,
    /// `SIGUSR2`: for the program to give a meaning.
    User2,
    /// `SIGTERM`: please end.
    Terminate,
    /// `SIGKILL`: ended by the kernel; no program can refuse.
    Kill,
    /// `SIGSTOP`: stand still; no program can refuse.
    Stop,
    /// `SIGCONT`: go on.
    Continue,
    /// `SIGWINCH`: the terminal has another size.
    WindowChange,
}

impl Signal {
    pub(crate) fn raw(self) -> rustix::process::Signal {
        use rustix::process::Signal as Raw;
        match self {
            Self::Hangup => Raw::HUP,
            Self::Interrupt => Raw::INT,
            Self::Quit => Raw::QUIT,
            Self::User1 => Raw::USR1,
            Self::User2 => Raw::USR2,
            Self::Terminate => Raw::TERM,
            Self::Kill => Raw::KILL,
            Self::Stop => Raw::STOP,
            Self::Continue => Raw::CONT,
            Self::WindowChange => Raw::WINCH,
        }
    }
}
