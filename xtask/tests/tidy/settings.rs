//! The settings of builders: each has an example in its documentation.

use std::fs;

use super::{all_files, none, read, root};

/// Crates whose settings have no examples yet.
const WITHOUT: [&str; 1] = ["cluster"];

/// The settings in a file without an example, and how many there are. A setting is a public method
/// that takes `self` by value and returns it, or an error in its place.
fn without_example(text: &str) -> (Vec<String>, usize) {
    let (mut found, mut all) = (Vec::new(), 0);
    let mut docs = String::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line.starts_with("///") || line.starts_with("#[") {
            docs.push_str(line);
            docs.push('\n');
            continue;
        }
        let docs = std::mem::take(&mut docs);
        let plain = line.replace("pub const fn ", "pub fn ");
        let Some(name) = plain
            .strip_prefix("pub fn ")
            .and_then(|rest| rest.split(['(', '<']).next())
        else {
            continue;
        };
        let mut signature = plain.clone();
        while !signature.ends_with(['{', ';']) {
            let Some(line) = lines.next() else { break };
            signature.push_str(line);
        }
        let parameters = signature.split_once('(').map_or("", |(_, rest)| rest);
        let takes_self = ["self", "mut self"].iter().any(|start| {
            let rest = parameters.strip_prefix(start);
            rest.is_some_and(|rest| rest.starts_with([',', ')']))
        });
        let returned = signature
            .rsplit_once("-> ")
            .map_or("", |(_, returned)| returned);
        let returns_self = returned.starts_with("Self") || returned.starts_with("Result<Self,");
        if takes_self && returns_self {
            all += 1;
            if !docs.contains("/// ```") {
                found.push(name.to_owned());
            }
        }
    }
    (found, all)
}

#[test]
fn every_setting_of_a_builder_has_an_example() {
    let (mut wrong, mut all) = (Vec::new(), 0);
    for path in all_files("rs") {
        let Ok(inside) = path.strip_prefix(root().join("crates")) else {
            continue;
        };
        let mut parts = inside.iter().map(|part| part.to_string_lossy());
        let (name, source) = (parts.next(), parts.next());
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        let is_left_out = name.is_none_or(|name| WITHOUT.contains(&&*name));
        if is_link || is_left_out || source.as_deref() != Some("src") {
            continue;
        }
        let (found, settings) = without_example(&read(&path));
        all += settings;
        wrong.extend(
            found
                .into_iter()
                .map(|name| format!("{}: {name}", inside.display())),
        );
    }
    assert!(all > 50, "only {all} settings");
    none(wrong, "settings without an example in their documentation");
}

#[test]
fn setting_without_an_example_is_found() {
    let text = "
    /// Documented.
    pub fn bare(mut self, n: usize) -> Self {
    /// ```
    /// shown();
    /// ```
    #[must_use]
    pub const fn shown(self) -> Self {
    pub fn fallible(
        mut self,
        n: usize,
    ) -> Result<Self, BuildError> {
    pub fn wait_timeout(self, timeout: Duration) -> Result<Result<T, JobError>, Self> {
    pub fn reads(&self) -> Self {
    pub fn generic<T: Into<u8>>(mut self, it: T) -> Self
    where
        T: Copy,
    {
";
    let (found, all) = without_example(text);
    assert_eq!(
        (found, all),
        (vec!["bare".into(), "fallible".into(), "generic".into()], 4)
    );
}
