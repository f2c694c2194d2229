//! Results as one self-contained page.

pub mod colour;
