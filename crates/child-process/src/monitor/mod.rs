//! The monitor of one child: its streams, its limits and its end.

mod events;
pub(crate) mod input_writer;
pub(crate) mod output_reader;
pub(crate) mod state;
mod step;
