//! `cargo xtask pick`: one crate, built and tested in a temporary folder, then placed as it is
//! wanted: standing alone, or as a member of a workspace of the user.

mod apply;
mod inherit;
mod manifest;
mod members;
mod moves;
mod needs;
mod package;
mod place;
mod plan;
mod record;
mod replica;
mod signals;
mod surroundings;
mod told;
mod trial;
mod update;
mod whole;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use workload::value::digest_bytes;

use crate::cli::PickArgs;
use crate::error::Error;
use crate::files::Replacement;
use crate::packages::{Crate, Member, Packages};
use apply::Placement;
use place::Place;
use signals::Signals;
use surroundings::Surroundings;
use trial::Trial;
use update::Update;

pub use package::unpack;
pub use record::Record;

/// One file of a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    bytes: Vec<u8>,
    executable: bool,
}

impl File {
    fn digest(&self) -> String {
        digest(&self.bytes)
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{:016x}", digest_bytes(&[bytes]))
}

/// Builds and tests the crate in a temporary folder as it will stand in its own, then places it
/// there, and makes it a member of the workspace that the folder is in. Returns what was done and
/// how to use it.
///
/// The folder has to be missing, empty, or an earlier pick of the same crate, and outside the
/// checkout. Nothing is overwritten or removed that an earlier pick did not write, or that was
/// changed since. Either everything is put in place or nothing is. The picks of a checkout share a
/// target folder, `pick` in its own.
///
/// # Errors
/// [`Error::Usage`] for an unknown crate and for a folder that cannot take it; [`Error::Failed`] if
/// cargo cannot package the crate, a file cannot be written, or the crate does not build or pass
/// its tests.
pub fn pick(packages: &Packages, args: &PickArgs) -> Result<String, Error> {
    let signals = Signals::install()?;
    let scratch = tempfile::Builder::new()
        .prefix("xtask-pick-")
        .tempdir()
        .map_err(|error| Error::io("cannot make a temporary folder", &error))?;
    let pick = Pick::prepare(packages, args, scratch.path())?;
    let root = scratch.path().join("trial");
    let folder = pick
        .surroundings
        .workspace()
        .map_or("crate", |workspace| &workspace.folder);
    let trial = Trial::new(packages, &pick.package.package, &root, folder);
    pick.stand_in(&trial)?;
    trial.surround(folder, pick.place.path(), pick.surroundings.workspace())?;
    let tests = trial.run(&pick.nested, !args.no_test);
    signals.check()?;
    let tried = match tests? {
        None => "built in a temporary folder, and not tested".to_string(),
        Some(counts) if counts.failed == 0 => {
            format!("tested in a temporary folder first: {counts}")
        }
        Some(counts) => {
            return Err(Error::Failed(format!(
                "`{}` builds as it would stand in {}, but its tests say {counts}: nothing was placed (--no-test places \
                 it untested)",
                pick.package.name,
                pick.place.path().display()
            )));
        }
    };
    let along = told::along(&pick.nested, &trial.dependencies()?);
    signals.check()?;
    // Shown as it was before the files change.
    let changes = pick.update.text(&pick.files, pick.place.path());
    signals.held(|| pick.place())?;
    let mut text = pick.done(args.update.then_some(&changes));
    if args.update {
        text += &pick.keep_theirs(&packages.target)?;
    }
    text += &format!("{tried}\n{}{along}\n", pick.mapped.text());
    text += &told::dependency(pick.package, pick.place.path(), &pick.surroundings);
    if let Some(example) = told::example(&pick.files) {
        text += &format!("\nan example:\n\n{example}");
        text += &needs::needs(&example, &pick.files);
    }
    Ok(text)
}

/// Places the crate without the trial: the steps of `ci` build it where it stands. Returns the
/// folder's full path and a summary.
///
/// # Errors
///
/// As [`pick`], except for the trial.
pub(crate) fn copy(
    packages: &Packages,
    name: &str,
    directory: &Path,
) -> Result<(PathBuf, String), Error> {
    let scratch =
        tempfile::tempdir().map_err(|error| Error::io("cannot make a temporary folder", &error))?;
    let args = PickArgs {
        name: name.to_string(),
        directory: directory.to_path_buf(),
        no_test: true,
        update: false,
        inherit: false,
    };
    let pick = Pick::prepare(packages, &args, scratch.path())?;
    pick.place()?;
    Ok((pick.place.path().to_path_buf(), pick.done(None)))
}

/// One pick: everything that is known before the first file of the user changes.
struct Pick<'p> {
    package: &'p Crate,
    nested: Vec<&'p Member>,
    place: Place,
    surroundings: Surroundings,
    earlier: Option<Record>,
    files: BTreeMap<String, File>,
    mapped: inherit::Mapped,
    record: Record,
    update: Update,
    is_update: bool,
}

impl<'p> Pick<'p> {
    /// Checks the folder and packages the crate. The quick checks come first.
    fn prepare(packages: &'p Packages, args: &PickArgs, scratch: &Path) -> Result<Self, Error> {
        let package = packages.find(&args.name)?;
        let nested = packages.nested(package);
        let place = Place::resolve(&args.directory)?;
        place.refuse_checkout(&packages.root)?;
        let earlier = Record::read(place.path())?;
        if args.update && earlier.is_none() {
            return Err(Error::Usage(format!(
                "{} holds no pick (it has no {}): leave out --update for a first one",
                place.path().display(),
                record::NAME
            )));
        }
        place.refuse_others(&package.name, earlier.as_ref())?;
        let surroundings = Surroundings::of(place.path())?;
        let inherit = args.inherit || earlier.as_ref().is_some_and(|record| record.inherit);
        if let Some(workspace) = surroundings.workspace() {
            let own = [package.package.as_str()].into_iter();
            let names: Vec<&str> = own
                .chain(nested.iter().map(|one| one.name.as_str()))
                .collect();
            workspace.refuse_collisions(&names)?;
            workspace.with_member()?;
        } else if args.inherit {
            return Err(Error::Usage(format!(
                "{} is in no workspace that it could inherit from: leave out --inherit",
                place.path().display()
            )));
        }
        place.refuse_read_only()?;

        let workspace = surroundings.workspace().filter(|_| inherit);
        let declared = workspace.and_then(|workspace| workspace.table.get("workspace"));
        let declared = declared.and_then(toml::Value::as_table);
        let (mut files, mapped) = package::files(packages, package, declared, scratch)?;
        if surroundings.workspace().is_some() {
            // Cargo reads only the one at the root.
            files.remove("Cargo.lock");
        }
        let mut pick = Pick {
            record: Record {
                inherit: workspace.is_some(),
                ..Record::of(package, &files)
            },
            is_update: args.update,
            package,
            nested,
            place,
            surroundings,
            earlier,
            files,
            mapped,
            update: Update::default(),
        };
        pick.update = pick.planned()?;
        pick.record = pick.update.recorded(pick.record);
        Ok(pick)
    }

    /// The changes, given the folder as it is now.
    fn planned(&self) -> Result<Update, Error> {
        let state = |path: &str| self.place.state(path);
        match &self.earlier {
            Some(earlier) if self.is_update => Ok(update::update(&self.files, earlier, state)),
            earlier => {
                let plan = plan::plan(&self.files, earlier.as_ref(), state)
                    .map_err(|conflicts| conflicts.into_error(self.place.path()))?;
                Ok(Update {
                    plan,
                    ..Update::default()
                })
            }
        }
    }

    /// Writes the crate into the trial's folder as it will stand in its own.
    fn stand_in(&self, trial: &Trial<'_>) -> Result<(), Error> {
        let failed = |error| Error::io("cannot prepare the trial of the pick", &error);
        let folder = trial.folder();
        if self.place.path().is_dir() {
            let earlier = self.earlier.iter().flat_map(|record| record.files.keys());
            let own = self.files.keys().chain(earlier);
            let own = own.map(String::as_str).collect();
            replica::replicate(self.place.path(), folder, &own).map_err(failed)?;
        }
        apply::stage(&self.update.plan, &self.files, folder).map_err(failed)?;
        for path in &self.update.plan.remove {
            std::fs::remove_file(folder.join(path)).map_err(failed)?;
        }
        Ok(())
    }

    /// Puts the files in their place, and the member into the manifest of the workspace.
    fn place(&self) -> Result<(), Error> {
        if self.planned()? != self.update {
            return Err(Error::Failed(format!(
                "the files in {} were changed meanwhile, and nothing was placed: run the command again",
                self.place.path().display()
            )));
        }
        let mut manifest = None;
        if let Some(workspace) = self.surroundings.workspace()
            && let Some(text) = workspace.with_member()?
        {
            let path = workspace.manifest();
            let staged = Replacement::begin(&path).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                Ok(file)
            });
            manifest = Some(staged.map_err(|error| Error::io(path.display(), &error))?);
        }
        let placement = Placement {
            plan: &self.update.plan,
            files: &self.files,
            record: &self.record,
        };
        placement.apply(&self.place, &mut || {
            manifest.take().map_or(Ok(()), Replacement::finish)
        })
    }

    /// The first lines of the answer.
    fn done(&self, changes: Option<&String>) -> String {
        let (package, place) = (self.package, self.place.path().display());
        let (plan, earlier) = (&self.update.plan, &self.earlier);
        let mut text = match (changes, earlier) {
            (Some(changes), Some(earlier)) => format!(
                "updated {} in {place} from {} to {}: {plan}, {} kept\n{changes}",
                package.name,
                earlier.version,
                package.version,
                self.update.kept.len()
            ),
            _ => format!(
                "picked {} {} into {place}: {plan}\n",
                package.name, package.version
            ),
        };
        match &self.surroundings {
            Surroundings::Workspace(workspace) => {
                let manifest = workspace.manifest();
                let how = if workspace.has_it {
                    "covered by"
                } else {
                    "added to"
                };
                text += &format!(
                    "a member of your workspace: {how} the members in {}\n",
                    manifest.display()
                );
            }
            Surroundings::Excluded(root) => {
                let manifest = root.join("Cargo.toml");
                text += &format!("standing alone, as {} excludes it\n", manifest.display());
            }
            Surroundings::Alone(_) => {}
        }
        text
    }

    /// Leaves the crate's version of each file that both sides changed where it can be compared.
    fn keep_theirs(&self, target: &Path) -> Result<String, Error> {
        let mut text = String::new();
        let home = target.join("pick/theirs").join(&self.package.name);
        for path in self.update.conflicts() {
            let theirs = home.join(path);
            let folder = theirs.parent().unwrap_or(&home);
            let bytes = self.files.get(path).map_or(&[][..], |file| &file.bytes);
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&theirs, bytes))
                .map_err(|error| Error::io(theirs.display(), &error))?;
            let mine = self.place.path().join(path);
            let args = [mine.to_string_lossy(), theirs.to_string_lossy()];
            text += &format!("compare: diff -u {}\n", shell_words::join(args));
        }
        Ok(text)
    }
}
