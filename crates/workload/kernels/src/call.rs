//! The arguments of a kernel.

/// The arguments of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The index of the task.
    pub index: usize,
    /// The number of tasks.
    pub tasks: usize,
    /// The value after the steps before; the task's seed if there are none.
    pub value: u64,
    /// With the pattern `rounds`: the values of all tasks after the previous generation (their
    /// seeds, in the first). Empty with any other pattern.
    pub snapshot: &'a [u64],
}
