//! Checks for variants that do not exist: before the build for models whose manifests list their
//! variants, else once the runner has listed them.

use workload::definition::Definition;

use super::contestant::Contestant;
use super::list::Model;
use crate::error::Error;
use crate::suggest::did_you_mean;
use crate::text;

/// Refuses a variant that a model of the project does not have, whether `--model` or a workload's
/// `show` names it.
///
/// # Errors
///
/// A usage error that lists the variants.
pub(super) fn check_declared(
    declared: &[Model],
    models: &[(&str, Option<&str>)],
    definitions: &[Definition],
) -> Result<(), Error> {
    check(models, definitions, |name| {
        let model = declared.iter().find(|model| model.name == name)?;
        Some(model.declared.variants.clone())
    })
}

/// The same with the variants that the runners listed, which covers the user's own runners.
///
/// # Errors
///
/// As [`check_declared`].
pub(super) fn check_said(
    contestants: &[Contestant],
    models: &[(&str, Option<&str>)],
    definitions: &[Definition],
) -> Result<(), Error> {
    check(models, definitions, |name| {
        // A contestant that does not take part or gave no hello has listed no variants.
        let contestant = contestants
            .iter()
            .find(|contestant| contestant.name == name && contestant.hello.is_ok())?;
        let variants = contestant.variants().into_iter();
        Some(variants.map(|variant| variant.name).collect())
    })
}

fn check(
    models: &[(&str, Option<&str>)],
    definitions: &[Definition],
    variants_of: impl Fn(&str) -> Option<Vec<String>>,
) -> Result<(), Error> {
    let asked = models.iter().filter_map(|(name, variant)| {
        let variant = (*variant)?;
        Some((*name, variant, format!("--model {name}/{variant}")))
    });
    let shown = definitions.iter().flat_map(|definition| {
        definition.show.iter().filter_map(|shown| {
            let (name, variant) = shown.split_once('/')?;
            let place = format!("the workload `{}` shows `{shown}`", definition.name);
            Some((name, variant, place))
        })
    });
    for (name, variant, place) in asked.chain(shown) {
        if let Some(variants) = variants_of(name)
            && !variants.iter().any(|known| known == variant)
        {
            return Err(Error::Usage(format!(
                "{place}: `{name}` has no such variant; {}",
                choice(variant, &variants)
            )));
        }
    }
    Ok(())
}

fn choice(variant: &str, variants: &[String]) -> String {
    let named = variants.iter().filter(|name| !name.is_empty());
    let names: Vec<String> = named.map(|name| text::name(name)).collect();
    if names.is_empty() {
        return "it has none: leave it out".to_owned();
    }
    format!(
        "{}choose among {}, or leave it out for the default one",
        did_you_mean(variant, names.iter().map(String::as_str)),
        names.join(", ")
    )
}
