//! Models whose program is missing: left out with a line each, or refused if they are named.

use super::list::Model;
use super::progress::print_err;
use crate::error::Error;

/// The models that can take part here.
///
/// # Errors
///
/// A usage error if one that cannot was named.
pub(super) fn without<'m>(
    taking_part: Vec<&'m Model>,
    named: &[(&str, Option<&str>)],
) -> Result<Vec<&'m Model>, Error> {
    let mut present = Vec::with_capacity(taking_part.len());
    for model in taking_part {
        match model.declared.lack() {
            None => present.push(model),
            Some(why) if named.iter().any(|(name, _)| *name == model.name) => {
                return Err(Error::Usage(format!("--model {}: {why}", model.name)));
            }
            Some(why) => print_err(&format!("skipped: {}: {why}\n", model.name)),
        }
    }
    Ok(present)
}
