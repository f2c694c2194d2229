use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;

use crate::Settings;
use crate::shuffle::Shuffle;
use crate::verdict::{Ratio, Verdict};

/// The same work, done by our model, by its rivals, and by a bound on them.
#[must_use = "a contest is run by `run`"]
pub struct Contest<'a> {
    title: String,
    unit: &'static str,
    units: u64,
    contenders: Vec<Contender<'a>>,
    targets: Vec<Target>,
}

struct Contender<'a> {
    name: String,
    role: Role,
    work: Box<dyn FnMut() -> Duration + 'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Ours,
    Rival,
    Limit,
}

struct Target {
    ours: Option<String>,
    against: Option<String>,
    reach: f64,
}

impl<'a> Contest<'a> {
    /// A contest in which one run does `units` of `unit`, such as 200,000 of "job". Figures are per
    /// unit.
    pub fn new(title: impl Into<String>, unit: &'static str, units: u64) -> Self {
        Self {
            title: title.into(),
            unit,
            units,
            contenders: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Adds our model. `work` does all units once and returns how long that took, possibly without
    /// its own preparations. The first one of ours also runs a second time in each round.
    pub fn ours(self, name: impl Into<String>, work: impl FnMut() -> Duration + 'a) -> Self {
        self.contender(name, Role::Ours, work)
    }

    /// Adds a rival, which may be the best one.
    pub fn rival(self, name: impl Into<String>, work: impl FnMut() -> Duration + 'a) -> Self {
        self.contender(name, Role::Rival, work)
    }

    /// Adds a bound that no rival can beat, or a contender that cannot be compared: it is shown,
    /// but never the best rival.
    pub fn limit(self, name: impl Into<String>, work: impl FnMut() -> Duration + 'a) -> Self {
        self.contender(name, Role::Limit, work)
    }

    fn contender(
        mut self,
        name: impl Into<String>,
        role: Role,
        work: impl FnMut() -> Duration + 'a,
    ) -> Self {
        self.contenders.push(Contender {
            name: name.into(),
            role,
            work: Box::new(work),
        });
        self
    }

    /// Adds a target for the first of ours: at most `ratio` times the rival with the smallest
    /// median.
    pub fn reach_best_rival(self, ratio: f64) -> Self {
        self.target(None, None, ratio)
    }

    /// Adds a target for the first of ours: at most `ratio` times the contender of this name.
    pub fn reach(self, ratio: f64, against: impl Into<String>) -> Self {
        self.target(None, Some(against.into()), ratio)
    }

    /// Adds a target for the one of ours with this name: at most `ratio` times the contender
    /// `against`.
    pub fn reach_with(
        self,
        ours: impl Into<String>,
        ratio: f64,
        against: impl Into<String>,
    ) -> Self {
        self.target(Some(ours.into()), Some(against.into()), ratio)
    }

    fn target(mut self, ours: Option<String>, against: Option<String>, reach: f64) -> Self {
        self.targets.push(Target {
            ours,
            against,
            reach,
        });
        self
    }

    /// Runs the rounds, unless the settings leave this contest out, and prints the table.
    ///
    /// # Panics
    /// If there is no contender of ours, or a target names none.
    pub fn run(mut self, settings: &Settings) {
        if !settings.selects(&self.title) {
            return;
        }
        let (times, again) = self.measure(settings.rounds);
        println!("{}", self.render(&times, &again));
    }

    /// Returns the nanoseconds of each contender in each round, and those of the second run of the
    /// first of ours.
    fn measure(&mut self, rounds: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let first = self.place(None);
        let twice = self.contenders.len();
        let mut order: Vec<usize> = (0..=twice).collect();
        let mut times = vec![Vec::with_capacity(rounds); twice + 1];
        let mut shuffle = Shuffle::new();
        // The first round warms up: caches, pages, threads, the clock of the processor.
        for round in 0..=rounds {
            progress(&self.title, round, rounds);
            shuffle.order(&mut order);
            for &place in &order {
                let contender = if place == twice { first } else { place };
                let time = (self.contenders[contender].work)();
                if round > 0 {
                    // Never 0, which would have no ratio.
                    times[place].push(time.as_nanos().max(1) as f64);
                }
            }
        }
        let again = times.pop().unwrap_or_default();
        (times, again)
    }

    /// The index of the contender with this name; without a name, of the first of ours.
    fn place(&self, name: Option<&str>) -> usize {
        self.contenders
            .iter()
            .position(|contender| {
                name.map_or(contender.role == Role::Ours, |name| contender.name == name)
            })
            .unwrap_or_else(|| panic!("{}: no contender is {}", self.title, name.unwrap_or("ours")))
    }

    fn best_rival(&self, times: &[Vec<f64>]) -> usize {
        (0..self.contenders.len())
            .filter(|&place| self.contenders[place].role == Role::Rival)
            .min_by(|&one, &other| middle(&times[one]).total_cmp(&middle(&times[other])))
            .unwrap_or_else(|| panic!("{}: there is no rival", self.title))
    }

    fn render(&self, times: &[Vec<f64>], again: &[f64]) -> String {
        let first = self.place(None);
        let same = Ratio::paired(again, &times[first]);
        let rounds = again.len();
        let mut text = format!(
            "### {}\n\n{rounds} rounds\n\n| | ns per {} | ours ÷ it |\n|---|---:|---:|\n",
            self.title, self.unit
        );
        for (contender, theirs) in self.contenders.iter().zip(times) {
            let per_unit = middle(theirs) / self.units as f64;
            let (name, ratio) = match contender.role {
                Role::Ours if contender.name == self.contenders[first].name => {
                    (format!("**{}**", contender.name), format!("A/A {same}"))
                }
                Role::Ours => (
                    format!("**{}**", contender.name),
                    Ratio::paired(&times[first], theirs).to_string(),
                ),
                Role::Rival => (
                    contender.name.clone(),
                    Ratio::paired(&times[first], theirs).to_string(),
                ),
                Role::Limit => (
                    format!("{} (limit)", contender.name),
                    Ratio::paired(&times[first], theirs).to_string(),
                ),
            };
            text.push_str(&format!("| {name} | {} | {ratio} |\n", figure(per_unit)));
        }
        for target in &self.targets {
            let ours = self.place(target.ours.as_deref());
            let against = match &target.against {
                Some(name) => self.place(Some(name)),
                None => self.best_rival(times),
            };
            let ratio = Ratio::paired(&times[ours], &times[against]);
            text.push_str(&format!(
                "\n{} ≤ {} × {}: {ratio}, {}",
                self.contenders[ours].name,
                target.reach,
                self.contenders[against].name,
                Verdict::judge(ratio, target.reach, same)
            ));
        }
        text.push('\n');
        text
    }
}

fn middle(times: &[f64]) -> f64 {
    workload_stats::median(times).unwrap_or(f64::NAN)
}

/// Three significant digits, or more for whole numbers.
fn figure(nanoseconds: f64) -> String {
    if nanoseconds < 10.0 {
        format!("{nanoseconds:.2}")
    } else if nanoseconds < 100.0 {
        format!("{nanoseconds:.1}")
    } else {
        format!("{nanoseconds:.0}")
    }
}

fn progress(title: &str, round: usize, rounds: usize) {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        let end = if round == rounds { "\r\x1b[K" } else { "" };
        let _ = write!(stderr, "\r\x1b[K{title}: round {round} of {rounds}{end}");
        let _ = stderr.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn contenders_work_once_a_round_and_ours_twice() {
        let (mut ours, mut rival) = (0, 0);
        let mut contest = Contest::new("t", "job", 10)
            .ours("a", || {
                ours += 1;
                MS
            })
            .rival("b", || {
                rival += 1;
                2 * MS
            });
        let (times, again) = contest.measure(3);
        assert_eq!((times[0].len(), times[1].len(), again.len()), (3, 3, 3));
        drop(contest);
        assert_eq!((ours, rival), (8, 4));
    }

    #[test]
    fn table_shows_best_rival_and_verdicts() {
        let mut contest = Contest::new("t", "job", 1_000)
            .ours("a", || MS)
            .rival("slow", || 4 * MS)
            .rival("quick", || 2 * MS)
            .limit("nothing", || MS / 100)
            .reach_best_rival(0.8)
            .reach(0.2, "slow");
        let (times, again) = contest.measure(31);
        let text = contest.render(&times, &again);
        for line in [
            "| **a** | 1000 | A/A 1.00 [1.00–1.00] |",
            "| quick | 2000 | 0.50 [0.50–0.50] |",
            "| nothing (limit) | 10.0 | 100.00 [100.00–100.00] |",
            "a ≤ 0.8 × quick: 0.50 [0.50–0.50], met",
            "a ≤ 0.2 × slow: 0.25 [0.25–0.25], NOT met",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    #[should_panic(expected = "no contender is nobody")]
    fn target_must_name_a_contender() {
        Contest::new("t", "job", 1)
            .ours("a", || MS)
            .reach(1.0, "nobody")
            .run(&Settings {
                rounds: 1,
                filters: Vec::new(),
            });
    }
}
