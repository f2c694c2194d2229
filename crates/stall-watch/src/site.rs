//! Places that were wrapped, by number: a slot holds nothing but the number.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, Weak};

use crate::shared::lock;
use crate::slot::NO_SITE;

/// What was wrapped: where, and under which name.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) id: u64,
    pub(crate) task: Task,
}

/// A wrapped future, or a closure, as reports name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// The name it was given, if any.
    pub name: Option<Arc<str>>,
    /// Where in the source it was wrapped.
    pub location: &'static Location<'static>,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "`{name}` of {}", self.location),
            None => write!(f, "of {}", self.location),
        }
    }
}

/// All sites of a watch. Numbers are never used twice: a stale one is found to be gone, not to be another.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    last: u64,
    by_id: HashMap<u64, Weak<Site>>,
    // Kept for good: there are as many as places in the source.
    unnamed: HashMap<&'static Location<'static>, Arc<Site>>,
    sweep_at: usize,
}

impl Sites {
    /// The one site of a place in the source.
    pub(crate) fn unnamed(&self, location: &'static Location<'static>) -> Arc<Site> {
        let mut book = lock(&self.book);
        if let Some(site) = book.unnamed.get(location) {
            return Arc::clone(site);
        }
        let site = book.enter(Task {
            name: None,
            location,
        });
        book.unnamed.insert(location, Arc::clone(&site));
        site
    }

    /// A site of its own, forgotten when its last owner drops it.
    pub(crate) fn named(&self, name: Arc<str>, location: &'static Location<'static>) -> Arc<Site> {
        lock(&self.book).enter(Task {
            name: Some(name),
            location,
        })
    }

    pub(crate) fn find(&self, id: u64) -> Option<Arc<Site>> {
        lock(&self.book).by_id.get(&id)?.upgrade()
    }
}

impl Book {
    fn enter(&mut self, task: Task) -> Arc<Site> {
        // Sweeping whenever it has doubled costs a constant per entry.
        if self.by_id.len() >= self.sweep_at {
            self.by_id.retain(|_, site| site.strong_count() > 0);
            self.sweep_at = (2 * self.by_id.len()).max(64);
        }
        self.last += 1;
        debug_assert_ne!(self.last, NO_SITE);
        let site = Arc::new(Site {
            id: self.last,
            task,
        });
        self.by_id.insert(site.id, Arc::downgrade(&site));
        site
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_one_site_and_names_are_forgotten() {
        let sites = Sites::default();
        let here = Location::caller();
        let first = sites.unnamed(here);
        assert_eq!(sites.unnamed(here).id, first.id);
        for number in 0..10_000 {
            let named = sites.named(number.to_string().into(), here);
            assert_eq!(sites.find(named.id).unwrap().task, named.task);
            let id = named.id;
            drop(named);
            assert!(sites.find(id).is_none());
        }
        assert!(lock(&sites.book).by_id.len() < 200);
        assert!(sites.find(first.id).is_some() && sites.find(NO_SITE).is_none());
    }
}
