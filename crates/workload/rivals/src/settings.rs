use std::env;
use std::process;

/// The command line of a bench: `cargo bench -p MODEL-rivals -- [FILTER…] [--rounds N]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The rounds that count; one more comes first and does not.
    pub rounds: usize,
    /// If not empty, only contests whose title contains one of these run.
    pub filters: Vec<String>,
}

impl Default for Settings {
    /// 31 rounds: the fewest with which a target is judged.
    fn default() -> Self {
        Self {
            rounds: 31,
            filters: Vec::new(),
        }
    }
}

impl Settings {
    /// Parses this program's command line. On an error it exits with one line and status 2.
    pub fn from_args() -> Self {
        match Self::parse(env::args().skip(1)) {
            Ok(settings) => settings,
            Err(problem) => {
                eprintln!("{problem}");
                process::exit(2);
            }
        }
    }

    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut settings = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                // Cargo passes it to every bench.
                "--bench" => {}
                "--rounds" => {
                    settings.rounds = args
                        .next()
                        .and_then(|rounds| rounds.parse().ok())
                        .filter(|&rounds| rounds > 0)
                        .ok_or("--rounds needs a number above 0")?;
                }
                flag if flag.starts_with('-') => {
                    return Err(format!("unknown flag {flag}: use [FILTER…] [--rounds N]"));
                }
                filter => settings.filters.push(filter.to_owned()),
            }
        }
        Ok(settings)
    }

    pub(crate) fn selects(&self, title: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| title.contains(filter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Settings, String> {
        Settings::parse(args.iter().map(|&arg| arg.to_owned()))
    }

    #[test]
    fn flags_and_filters_come_in_any_order() {
        let settings = parse(&["hot", "--rounds", "5", "--bench", "cold"]).unwrap();
        assert_eq!(settings.rounds, 5);
        assert!(settings.selects("round trip, cold") && !settings.selects("map"));
        assert!(parse(&[]).unwrap().selects("anything"));
    }

    #[test]
    fn unknown_arguments_are_errors() {
        assert!(parse(&["--rounds"]).is_err());
        assert!(parse(&["--rounds", "0"]).is_err());
        assert!(parse(&["--round", "7"]).is_err());
    }
}
