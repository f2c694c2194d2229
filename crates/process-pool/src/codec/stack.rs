//! The remaining stack of a thread.
//!
//! Values are encoded and decoded recursively, so deep values use much stack, and a stack overflow
//! ends the process. The size of a level depends on the type and on the build.

use std::cell::Cell;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr;

/// The stack that may be used before its bounds are looked up.
const UNCHECKED: usize = 32 * 1024;
/// The stack that must remain: for the innermost level, which has no check, for a panic, and for
/// signal handlers.
const REMAINS: usize = 96 * 1024;

/// The calling thread's stack, as far as a value may use it.
pub(super) struct Stack {
    /// Below this address the bounds are looked up, or there is no room.
    floor: Cell<usize>,
    is_known: Cell<bool>,
    is_exhausted: Cell<bool>,
}

impl Stack {
    pub(super) fn here() -> Self {
        Self {
            floor: Cell::new(position().saturating_sub(UNCHECKED)),
            is_known: Cell::new(false),
            is_exhausted: Cell::new(false),
        }
    }

    /// Whether there is room for one more level.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        let here = position();
        here >= self.floor.get() || self.look_up(here)
    }

    /// Whether there was no room at some point.
    pub(super) fn is_exhausted(&self) -> bool {
        self.is_exhausted.get()
    }

    #[cold]
    fn look_up(&self, here: usize) -> bool {
        if !self.is_known.replace(true) {
            let floor = match bounds() {
                // On a small stack a quarter must do.
                Some((low, high)) if (low..high).contains(&here) => {
                    low + REMAINS.min((high - low) / 4)
                }
                // A stack other than the thread's own, such as a coroutine's, has unknown bounds.
                _ => 0,
            };
            self.floor.set(floor);
        }
        let has_room = here >= self.floor.get();
        self.is_exhausted.set(self.is_exhausted.get() || !has_room);
        has_room
    }
}

/// An address in or near the frame of the caller.
#[inline]
fn position() -> usize {
    let mark = 0_u8;
    black_box(ptr::from_ref(&mark)).addr()
}

/// The lowest address of this thread's stack, and the address above its highest.
fn bounds() -> Option<(usize, usize)> {
    thread_local! {
        static BOUNDS: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    }
    // The lookup may fail briefly, when no descriptor is free, and is repeated then.
    BOUNDS.get().or_else(|| {
        BOUNDS.set(ask());
        BOUNDS.get()
    })
}

fn ask() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: `attributes` is valid for a write, and the thread is the calling one, so it exists.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let mut low = ptr::null_mut();
    let mut bytes = 0;
    // SAFETY: the call above has initialised `attributes`, which this one reads and the next one
    // frees. Both other pointers are valid for a write.
    let result = unsafe {
        let result = libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        result
    };
    (result == 0).then(|| (low.addr(), low.addr() + bytes))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    #[cfg_attr(
        address_sanitizer,
        ignore = "AddressSanitizer keeps locals outside the stack of the thread"
    )]
    fn bounds_match_calling_thread() {
        for kibibytes in [128, 2048] {
            let thread = thread::Builder::new().stack_size(kibibytes * 1024);
            let (low, high) = thread
                .spawn(|| {
                    let (low, high) = bounds().unwrap();
                    assert!((low..high).contains(&position()));
                    (low, high)
                })
                .unwrap()
                .join()
                .unwrap();
            assert!(high - low >= kibibytes * 1024);
            assert!(high - low < 2 * kibibytes * 1024 + (64 << 10));
        }
    }

    #[test]
    #[cfg_attr(
        address_sanitizer,
        ignore = "AddressSanitizer makes stack frames larger than the margin allows for"
    )]
    fn recursion_stops_before_stack_ends() {
        fn descend(stack: &Stack, level: usize) -> usize {
            let space = black_box([level; 100]);
            if stack.has_room() {
                descend(stack, level + 1) + space[99] - level
            } else {
                level
            }
        }
        for kibibytes in [64, 256, 2048] {
            let thread = thread::Builder::new().stack_size(kibibytes * 1024);
            let levels = thread.spawn(|| {
                let stack = Stack::here();
                let levels = descend(&stack, 0);
                assert!(stack.is_exhausted());
                levels
            });
            assert!(levels.unwrap().join().unwrap() > 10, "{kibibytes} KiB");
        }
    }
}
