//! Async functions of a reference.

use std::future::Future;
use std::pin::Pin;

/// An async function that borrows its input, as `async fn run_async(input: &Input) -> Output`.
pub trait AsyncCall<'a, I, R>: Send + Sync {
    /// Calls it.
    fn call(&self, input: &'a I) -> Pin<Box<dyn Future<Output = R> + Send + 'a>>;
}

impl<'a, I, R, F, C> AsyncCall<'a, I, R> for F
where
    I: 'a,
    F: Fn(&'a I) -> C + Send + Sync,
    C: Future<Output = R> + Send + 'a,
{
    fn call(&self, input: &'a I) -> Pin<Box<dyn Future<Output = R> + Send + 'a>> {
        Box::pin(self(input))
    }
}
