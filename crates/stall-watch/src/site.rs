//! The registry of wrapped places. A slot holds only the id of a site.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, Weak};

use crate::slot::NO_SITE;
use crate::sync::lock;

/// A wrapped place, with its id.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) id: u64,
    pub(crate) task: Task,
}

/// A wrapped future or closure, as reports name it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// The name, if one was given.
    pub name: Option<Arc<str>>,
    /// The source location of the `wrap` or `named` call.
    pub location: &'static Location<'static>,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "`{name}` at {}", self.location),
            None => write!(f, "at {}", self.location),
        }
    }
}

/// All sites of a watch. Ids are not reused, so a stale one is never mistaken for another site.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    by_id: HashMap<u64, Weak<Site>>,
    // Never removed: there are only as many as places in the source.
    unnamed: HashMap<&'static Location<'static>, Arc<Site>>,
    sweep_at: usize,
}

impl Sites {
    /// The unnamed site of a source location.
    pub(crate) fn unnamed(&self, location: &'static Location<'static>) -> Arc<Site> {
        let mut inner = lock(&self.inner);
        if let Some(site) = inner.unnamed.get(location) {
            return Arc::clone(site);
        }
        let site = inner.insert(Task {
            name: None,
            location,
        });
        inner.unnamed.insert(location, Arc::clone(&site));
        site
    }

    /// A new named site, forgotten when its last owner drops it.
    pub(crate) fn named(&self, name: Arc<str>, location: &'static Location<'static>) -> Arc<Site> {
        lock(&self.inner).insert(Task {
            name: Some(name),
            location,
        })
    }

    pub(crate) fn find(&self, id: u64) -> Option<Arc<Site>> {
        lock(&self.inner).by_id.get(&id)?.upgrade()
    }
}

impl Inner {
    fn insert(&mut self, task: Task) -> Arc<Site> {
        // Sweeping after each doubling costs amortised constant time per site.
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
    fn unnamed_sites_are_shared_and_named_ones_forgotten() {
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
        assert!(lock(&sites.inner).by_id.len() < 200);
        assert!(sites.find(first.id).is_some() && sites.find(NO_SITE).is_none());
    }
}
