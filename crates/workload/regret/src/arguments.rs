//! The command line.

use std::path::PathBuf;

/// The request of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The table.
    Table(Table),
    /// The worker's side of `processes and pipes`, for the job of this name.
    Worker(String),
}

/// The settings of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The jobs; all if there are none.
    pub jobs: Vec<String>,
    /// The rounds that count.
    pub rounds: usize,
    /// The budget of each advice, as `advise` takes it; its own if there is none.
    pub budget: Option<String>,
    /// Whether nothing is measured: the rows are those of earlier runs.
    pub saved: bool,
    /// The document that takes the table, between its `regret` markers.
    pub into: Option<PathBuf>,
}

/// Reads the arguments, without the program's name.
///
/// # Errors
///
/// One line that says how to call it.
pub fn parse(mut args: impl Iterator<Item = String>, names: &[&str]) -> Result<Asked, String> {
    let mut table = Table {
        jobs: Vec::new(),
        rounds: 31,
        budget: None,
        saved: false,
        into: None,
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--worker" => {
                let name = args.next().ok_or("--worker needs the name of a job")?;
                return Ok(Asked::Worker(name));
            }
            "--rounds" => {
                let rounds = args.next().and_then(|text| text.parse().ok());
                let rounds = rounds.filter(|rounds| *rounds > 0);
                table.rounds = rounds.ok_or("--rounds needs a number above 0")?;
            }
            "--budget" => {
                table.budget = Some(args.next().ok_or("--budget needs a time such as 60s")?);
            }
            "--saved" => table.saved = true,
            "--into" => {
                let file = args.next().ok_or("--into needs a file")?;
                table.into = Some(PathBuf::from(file));
            }
            name if names.contains(&name) => table.jobs.push(arg),
            other => {
                return Err(format!(
                    "there is no job {other}: use [JOB…] [--rounds N] [--budget TIME] [--saved] [--into FILE], with jobs of {}",
                    names.join(", ")
                ));
            }
        }
    }
    Ok(Asked::Table(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(args: &[&str]) -> Result<Asked, String> {
        parse(args.iter().map(|arg| (*arg).to_owned()), &["http", "logs"])
    }

    #[test]
    fn jobs_and_flags_come_in_any_order() {
        let Ok(Asked::Table(table)) = ask(&["logs", "--rounds", "5", "--saved", "http"]) else {
            panic!("a table");
        };
        assert!(table.saved);
        assert_eq!(table.jobs, ["logs", "http"]);
        assert_eq!(table.rounds, 5);
        assert_eq!(ask(&["--worker", "x"]), Ok(Asked::Worker("x".to_owned())));
    }

    #[test]
    fn refusal_names_the_jobs() {
        let refusal = ask(&["htpp"]).unwrap_err();
        assert!(
            refusal.contains("htpp") && refusal.contains("http, logs"),
            "{refusal}"
        );
        assert!(ask(&["--rounds", "0"]).is_err());
        assert!(ask(&["--into"]).is_err());
    }
}
