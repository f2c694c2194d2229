//! The caller's side: accepted jobs and the delivery of their results, whichever engine runs them.

pub(crate) mod callbacks;
pub(crate) mod engine;
pub(crate) mod ledger;
pub(crate) mod promise;
pub(crate) mod recent;
