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
            Some(why) if is_named(model, named) => {
                return Err(Error::Usage(format!("--model {}: {why}", model.name)));
            }
            Some(why) => print_err(&format!("skipped: {}: {why}\n", model.name)),
        }
    }
    Ok(present)
}

/// Whether it may take part in a comparison that can be self-contained: a model that needs another
/// program is left out of one unless it is named.
pub(super) fn is_wanted(
    model: &Model,
    is_self_contained: bool,
    named: &[(&str, Option<&str>)],
) -> bool {
    !is_self_contained || model.declared.needs.is_none() || is_named(model, named)
}

/// Whether `--model` names it.
fn is_named(model: &Model, named: &[(&str, Option<&str>)]) -> bool {
    named.iter().any(|(name, _)| *name == model.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs::Needs;
    use crate::packages::Declared;

    fn model(name: &str, program: Option<&str>) -> Model {
        let needs = program.map(|program| Needs {
            program: program.to_owned(),
            variable: "NO_SUCH_VARIABLE_OF_ANY_TEST".to_owned(),
            install: "`install it`".to_owned(),
        });
        Model {
            name: name.to_owned(),
            crate_name: name.to_owned(),
            program: name.to_owned(),
            about: String::new(),
            declared: Declared {
                needs,
                ..Declared::default()
            },
        }
    }

    #[test]
    fn model_without_its_program_is_left_out_unless_named() {
        let models = [
            model("threads", None),
            model("shell", Some("sh")),
            model("cluster", Some("no-such-server-xyz")),
        ];
        let present = |named: &[(&str, Option<&str>)]| {
            let present = without(models.iter().collect(), named)?;
            Ok(present
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>())
        };
        let two = Ok(vec!["threads", "shell"]);
        assert_eq!(present(&[]), two);
        assert_eq!(present(&[("threads", None)]), two);
        let Err(Error::Usage(why)) = present(&[("cluster", Some("one-by-one"))]) else {
            panic!("it was named");
        };
        for part in ["--model cluster", "no-such-server-xyz", "`install it`"] {
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn server_takes_part_in_advice_only_if_named() {
        let (cluster, queue) = (model("cluster", Some("server")), model("queue", None));
        assert!(!is_wanted(&cluster, true, &[("queue", None)]));
        assert!(is_wanted(
            &cluster,
            true,
            &[("cluster", Some("one-by-one"))]
        ));
        assert!(is_wanted(&cluster, false, &[]));
        assert!(is_wanted(&queue, true, &[]));
    }
}
