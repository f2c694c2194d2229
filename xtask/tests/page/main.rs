//! The page of a comparison, read as markup: what it says, that it is sound, and how long it is.

#[path = "../render/fixture.rs"]
mod fixture;

#[path = "../support/program.rs"]
mod program;

mod baseline;
mod command;
mod contents;
mod figures;
mod hostile;
mod length;
mod markup;
