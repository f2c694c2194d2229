//! The code addresses of a stack, before they have names.

/// The frames of a stack, the innermost first.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) addresses: Vec<Address>,
    /// Whether outer frames are missing.
    pub(super) is_truncated: bool,
}

/// An address of code in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) address: u64,
    /// Whether this is the instruction that is executed next. Otherwise it follows a call, and what
    /// lies there may belong to another line or function.
    pub(super) is_next: bool,
}

impl Address {
    /// An address within the instruction that the frame is at.
    pub(super) fn within(self) -> u64 {
        self.address.wrapping_sub(u64::from(!self.is_next))
    }
}
