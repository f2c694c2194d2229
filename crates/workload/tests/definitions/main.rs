//! What a workload file may say, and the one line that answers what it may not.

mod accepted;
mod files;
mod mutations;
mod products;
mod steps;
mod support;
mod top;
