//! Debian's Chromium behind its WebDriver, and probes for the faults of a page: text that is cut
//! off or overlaps, colours too close to each other, controls without a name.
//!
//! A package of its own, so that neither `cargo xtask` nor its tests build an HTTP client.

#![forbid(unsafe_code)]

mod browser;
mod driver;
mod guard;
mod probes;
mod screen;
mod wire;

pub use browser::{Browser, Loaded};
pub use driver::{Driver, missing};
pub use probes::{Focus, Layout};
pub use screen::{Screen, Theme};
