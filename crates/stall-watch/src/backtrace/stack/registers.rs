//! The registers of an interrupted thread, in DWARF numbering.

use std::ffi::c_void;

/// How many registers a walk follows: more than either processor's tables mention.
pub(super) const COUNT: usize = 32;

/// How many words [`interrupted`] returns: the registers and the address of the instruction.
pub(super) const WORDS: usize = COUNT + 1;

#[cfg(target_arch = "x86_64")]
mod numbers {
    pub(in super::super) const FRAME_POINTER: usize = 6;
    pub(in super::super) const STACK_POINTER: usize = 7;
    /// Leaf functions keep data below their stack pointer.
    pub(in super::super) const RED_ZONE: u64 = 128;
}

#[cfg(target_arch = "aarch64")]
mod numbers {
    pub(in super::super) const FRAME_POINTER: usize = 29;
    pub(in super::super) const STACK_POINTER: usize = 31;
    pub(in super::super) const RED_ZONE: u64 = 0;
}

pub(super) use numbers::{FRAME_POINTER, RED_ZONE, STACK_POINTER};

/// The registers with which the thread will go on, and last the address of its next instruction.
///
/// # Safety
///
/// `context` must be what the kernel passed to a handler with `SA_SIGINFO`.
#[allow(unsafe_code)]
pub(super) unsafe fn interrupted(context: *mut c_void) -> [u64; WORDS] {
    let context = context.cast::<libc::ucontext_t>();
    let mut words = [0; WORDS];
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: the kernel has stored the registers there. No reference to the whole context is
        // made: the C library's type is longer than what the kernel stores.
        let registers = unsafe { (*context).uc_mcontext.gregs };
        let in_order = [
            libc::REG_RAX,
            libc::REG_RDX,
            libc::REG_RCX,
            libc::REG_RBX,
            libc::REG_RSI,
            libc::REG_RDI,
            libc::REG_RBP,
            libc::REG_RSP,
            libc::REG_R8,
            libc::REG_R9,
            libc::REG_R10,
            libc::REG_R11,
            libc::REG_R12,
            libc::REG_R13,
            libc::REG_R14,
            libc::REG_R15,
        ];
        for (word, name) in words.iter_mut().zip(in_order) {
            *word = registers[name as usize].cast_unsigned();
        }
        words[COUNT] = registers[libc::REG_RIP as usize].cast_unsigned();
    }
    #[cfg(target_arch = "aarch64")]
    {
        // SAFETY: the kernel has stored these there. No reference to the whole context is made.
        let (general, stack, next) = unsafe {
            let machine = &raw const (*context).uc_mcontext;
            ((*machine).regs, (*machine).sp, (*machine).pc)
        };
        words[..general.len()].copy_from_slice(&general);
        words[STACK_POINTER] = stack;
        words[COUNT] = next;
    }
    words
}

/// A return address without the signature that AArch64's pointer authentication puts into its upper
/// bits. User addresses have 48 bits there, unless a program asks for more.
pub(super) fn plain(return_address: u64) -> u64 {
    if cfg!(target_arch = "aarch64") {
        return_address & 0x0000_ffff_ffff_ffff
    } else {
        return_address
    }
}
