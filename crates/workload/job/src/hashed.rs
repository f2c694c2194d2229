//! Values of types that implement `Hash`.

use std::hash::{Hash, Hasher};
use std::ops::Deref;

use super::digest::Digest;
use super::value::Value;

/// A value that is hashed by its [`Hash`].
///
/// The result is the same in all processes of one program, which is all that a comparison needs.
/// Another compiler or version of the type's crate may give another one, so figures are then not
/// comparable with `--baseline`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashed<T>(pub T);

impl<T> Deref for Hashed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Hash> Value for Hashed<T> {
    fn feed(&self, digest: &mut Digest) {
        self.0.hash(&mut Feed(digest));
    }
}

/// A hasher without the random keys of std's.
struct Feed<'d>(&'d mut Digest);

impl Hasher for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::hash;

    #[derive(Hash)]
    enum Answer {
        Yes(u32),
        No,
    }

    #[test]
    fn hash_of_a_derived_type_depends_on_its_content() {
        let all = [Answer::Yes(1), Answer::Yes(2), Answer::No].map(|one| hash(&Hashed(one)));
        assert!(all[0] != all[1] && all[1] != all[2], "{all:?}");
        assert_eq!(hash(&Hashed(Answer::Yes(1))), all[0]);
    }
}
