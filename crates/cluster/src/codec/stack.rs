//! The place of `process-pool`'s check of the stack, without unsafe code.
//!
//! The bounds of a thread's stack cannot be read in safe code, so only the number of levels is
//! limited here, by [`bounded`](super::bounded).

/// The stack of a thread, whose bounds are unknown.
pub(super) struct Stack;

impl Stack {
    pub(super) fn here() -> Self {
        Self
    }

    pub(super) fn has_room(&self) -> bool {
        true
    }
}
