//! The processes that descend from a child: found, held and signalled without ever hitting another
//! process.
//!
//! A process id may belong to another process once its owner has been reaped. So the only target
//! that is signalled by id is the child's process group, and only while the child itself is
//! unreaped: a zombie keeps its id. All other processes are held by a descriptor (pidfd), which
//! never refers to another process. A process counts as part of the tree only if it was found
//! beside a known, unreaped process, and still has the same id and start time after its descriptor
//! was opened.

pub(crate) mod adoption;
pub(crate) mod leader;
pub(crate) mod proc_scan;
pub(crate) mod process_handle;
pub(crate) mod process_tree;
