//! `map`: one job over many inputs, in chunks, with results in input order.

mod chunk_size;
mod core;
mod inbox;
pub(crate) mod iter;
pub(crate) mod mapping;
pub(crate) mod stream;
