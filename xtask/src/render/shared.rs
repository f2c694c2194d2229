//! Columns of the matrix that models share because no workload has both: those of the models that
//! take part only where a workload is about their Items.

use super::models;

/// Stands where a model was neither measured nor skipped.
pub(super) const ABSENT: &str = "·";

/// The heading of a shared column: the model is the one for the workload's Item.
const HEAD: &str = "item";

/// A model, its heading, then its entry for each workload.
pub(super) struct Column<'a> {
    pub(super) model: &'a str,
    pub(super) entries: Vec<String>,
}

impl Column<'_> {
    /// Whether the model has an entry for this workload.
    fn has(&self, row: usize) -> bool {
        self.entries[row + 1] != ABSENT
    }

    fn meets(&self, other: &Column<'_>, rows: usize) -> bool {
        (0..rows).any(|row| self.has(row) && other.has(row))
    }

    /// The model and the workloads that it has an entry for.
    fn told(&self, rows: &[String]) -> String {
        let named = rows.iter().enumerate().filter(|(row, _)| self.has(*row));
        let named: Vec<&str> = named.map(|(_, name)| name.as_str()).collect();
        format!("{} ({})", self.model, named.join(", "))
    }
}

/// Fewer columns with the same entries, and the meaning of the headings of those that are shared.
pub(super) fn shared(columns: &[Column<'_>], rows: &[String]) -> (Vec<Vec<String>>, Vec<String>) {
    let mut groups: Vec<Vec<&Column<'_>>> = Vec::new();
    for column in columns {
        let may_share = |group: &&mut Vec<&Column<'_>>| {
            let mut others = group.iter();
            let is_free = |other: &&Column<'_>| {
                models::has_purpose(other.model) && !other.meets(column, rows.len())
            };
            models::has_purpose(column.model) && others.all(is_free)
        };
        match groups.iter_mut().find(may_share) {
            Some(group) => group.push(column),
            None => groups.push(vec![column]),
        }
    }
    let several = groups.iter().filter(|group| group.len() > 1).count() > 1;
    let mut told = Vec::new();
    let mut merged = Vec::with_capacity(groups.len());
    for group in groups {
        let mut entries = group[0].entries.clone();
        if group.len() > 1 {
            let number = told.len() + 1;
            let head = match several {
                true => format!("{HEAD}{number}"),
                false => HEAD.to_owned(),
            };
            let models: Vec<String> = group.iter().map(|column| column.told(rows)).collect();
            told.push(format!("{head} {}", models.join(", ")));
            for column in &group[1..] {
                for row in (0..rows.len()).filter(|row| column.has(*row)) {
                    entries[row + 1].clone_from(&column.entries[row + 1]);
                }
            }
            entries[0] = head;
        }
        merged.push(entries);
    }
    (merged, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column<'a>(model: &'a str, entries: &[&str]) -> Column<'a> {
        let entries = [&model].into_iter().chain(entries);
        Column {
            model,
            entries: entries.map(|&entry| entry.to_owned()).collect(),
        }
    }

    fn told(columns: &[Column<'_>]) -> (Vec<String>, Vec<String>) {
        let (merged, told) = shared(columns, &["a", "b", "c"].map(str::to_owned));
        (merged.iter().map(|column| column.join(" ")).collect(), told)
    }

    #[test]
    fn models_that_never_meet_share_a_column() {
        let columns = [
            column("threads", &["best", ABSENT, "best"]),
            column("pipeline", &["2.00", ABSENT, ABSENT]),
            column("locks", &[ABSENT, "best", ABSENT]),
            column("bridge", &[ABSENT, ABSENT, "-"]),
            column("stall-watch", &[ABSENT, ABSENT, "="]),
            column("python", &[ABSENT, ABSENT, ABSENT]),
        ];
        let (merged, told) = told(&columns);
        assert_eq!(
            merged,
            [
                "threads best · best",
                "item 2.00 best -",
                "stall-watch · · =",
                "python · · ·"
            ]
        );
        assert_eq!(told, ["item pipeline (a), locks (b), bridge (c)"]);
    }

    #[test]
    fn shared_columns_are_numbered_where_there_are_several() {
        let columns = [
            column("pipeline", &["1", "2", ABSENT]),
            column("locks", &["3", ABSENT, ABSENT]),
            column("bridge", &[ABSENT, ABSENT, "4"]),
            column("stall-watch", &[ABSENT, "5", ABSENT]),
        ];
        let (merged, told) = told(&columns);
        assert_eq!(merged, ["item1 1 2 4", "item2 3 5 ·"]);
        assert_eq!(
            told,
            [
                "item1 pipeline (a, b), bridge (c)",
                "item2 locks (a), stall-watch (b)"
            ]
        );
    }
}
