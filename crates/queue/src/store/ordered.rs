//! The interface of the stores other than FIFO.

/// A store with an order other than FIFO.
pub(crate) trait Ordered<T>: Send + Sync {
    /// Stores the item, or hands it back if there is no room. Runs no user code.
    fn push(&self, item: T) -> Result<(), T>;
    /// Takes the next item.
    fn pop(&self) -> Option<T>;
    /// Takes up to `max` items, in order. If it panics, it has taken none.
    fn pop_batch(&self, max: usize) -> Vec<T>;
    /// Takes all items, in any order. Runs no user code.
    fn pop_all(&self) -> Vec<T>;
    fn len(&self) -> usize;
    /// The number of items there is room for; `None` if unbounded.
    fn capacity(&self) -> Option<usize>;
}
