//! The signals that a caller can send to a child.

/// A signal for [`Child::signal`](crate::Child::signal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGHUP`: the terminal was closed; many daemons reload their settings.
    Hangup,
    /// `SIGINT`: sent by Ctrl-C.
    Interrupt,
    /// `SIGQUIT`: end and dump core.
    Quit,
    /// `SIGUSR1`: defined by the program.
    User1,
    /// `SIGUSR2`: defined by the program.
    User2,
    /// `SIGTERM`: a request to end.
    Terminate,
    /// `SIGKILL`: ends the process; it cannot be caught or ignored.
    Kill,
    /// `SIGSTOP`: stops the process; it cannot be caught or ignored.
    Stop,
    /// `SIGCONT`: continues a stopped process.
    Continue,
    /// `SIGWINCH`: the size of the terminal has changed.
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
