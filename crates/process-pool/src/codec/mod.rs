//! The encoding of values as bytes (postcard), with the descriptors that travel beside them.

mod bounded;
#[allow(unsafe_code, reason = "the bounds of a stack; every block argues")]
mod stack;

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use postcard::ser_flavors::Flavor;

use bounded::{Bounded, Limits};
use stack::Stack;

use crate::transport::socket::MAX_DESCRIPTORS;

/// The descriptors of an encoded value.
pub(crate) type Descriptors = Vec<Arc<OwnedFd>>;

/// Whether this thread is encoding or decoding a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Neither,
    /// It is, and no descriptor has come up.
    WithoutDescriptors,
    WithDescriptors,
}

thread_local! {
    // Separate, since it has no destructor and so is cheap to read: most values have no
    // descriptors.
    static MODE: Cell<Mode> = const { Cell::new(Mode::Neither) };
    static DESCRIPTORS: RefCell<Descriptors> = const { RefCell::new(Vec::new()) };
}

/// Adds a descriptor to the value being encoded. `None` if no value is.
pub(crate) fn attach(descriptor: &Arc<OwnedFd>) -> Option<u32> {
    if MODE.get() == Mode::Neither {
        return None;
    }
    MODE.set(Mode::WithDescriptors);
    DESCRIPTORS.with_borrow_mut(|descriptors| {
        descriptors.push(Arc::clone(descriptor));
        u32::try_from(descriptors.len() - 1).ok()
    })
}

/// The descriptor of this number that came with the value being decoded.
pub(crate) fn attached(number: u32) -> Option<Arc<OwnedFd>> {
    if MODE.get() != Mode::WithDescriptors {
        return None;
    }
    DESCRIPTORS.with_borrow(|descriptors| descriptors.get(number as usize).cloned())
}

/// Sets the thread's descriptors for its lifetime, even if a value's own code panics. A value
/// encoded within another restores the outer one's.
struct DescriptorScope {
    outer: Mode,
    outer_descriptors: Descriptors,
}

impl DescriptorScope {
    fn with(descriptors: Descriptors) -> Self {
        let outer = MODE.get();
        let mut outer_descriptors = Vec::new();
        if outer == Mode::WithDescriptors {
            outer_descriptors = DESCRIPTORS.take();
        }
        if descriptors.is_empty() {
            MODE.set(Mode::WithoutDescriptors);
        } else {
            MODE.set(Mode::WithDescriptors);
            DESCRIPTORS.set(descriptors);
        }
        Self {
            outer,
            outer_descriptors,
        }
    }

    fn descriptors(&self) -> Descriptors {
        if MODE.replace(Mode::WithoutDescriptors) == Mode::WithDescriptors {
            DESCRIPTORS.take()
        } else {
            Vec::new()
        }
    }
}

impl Drop for DescriptorScope {
    fn drop(&mut self) {
        if MODE.replace(self.outer) == Mode::WithDescriptors || self.outer == Mode::WithDescriptors
        {
            DESCRIPTORS.set(std::mem::take(&mut self.outer_descriptors));
        }
    }
}

/// Appends an encoded value and returns its descriptors.
///
/// # Errors
/// The reason why it cannot be encoded.
pub(crate) fn encode<T: Serialize + ?Sized>(
    value: &T,
    into: &mut Vec<u8>,
) -> Result<Descriptors, String> {
    let scope = DescriptorScope::with(Vec::new());
    let length = into.len();
    let stack = Stack::here();
    let append = Append {
        into,
        stack: &stack,
        unchecked: 0,
    };
    let result = postcard::serialize_with_flavor(value, append);
    let descriptors = scope.descriptors();
    drop(scope);
    if let Err(error) = result {
        into.truncate(length);
        return Err(if stack.is_exhausted() {
            TOO_DEEP.to_owned()
        } else {
            explain(&error)
        });
    }
    if descriptors.len() >= MAX_DESCRIPTORS {
        into.truncate(length);
        return Err(format!(
            "it holds {} buffers, more than fit one message",
            descriptors.len()
        ));
    }
    Ok(descriptors)
}

/// Decodes a value from all of `bytes`. A short input can neither decode to a large value nor take
/// long: see [`bounded`].
///
/// # Errors
/// The reason why the bytes do not decode to this type.
pub(crate) fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    descriptors: Descriptors,
) -> Result<T, String> {
    let _scope = DescriptorScope::with(descriptors);
    let mut limits = Limits::for_bytes(bytes.len());
    let mut inner = postcard::Deserializer::from_bytes(bytes);
    let decoded = T::deserialize(Bounded::new(&mut inner, &mut limits));
    match (decoded, inner.finalize()) {
        (Ok(value), Ok([])) => Ok(value),
        (Ok(_), Ok(rest)) => Err(format!("{} bytes are left over", rest.len())),
        (Err(error), _) | (_, Err(error)) => {
            Err(limits.explain().unwrap_or_else(|| explain(&error)))
        }
    }
}

/// An error text whose subject is the value.
pub(crate) fn not_encoded(why: &str) -> String {
    format!("could not be encoded: {why}")
}

/// Like [`not_encoded`], for decoding.
pub(crate) fn not_decoded(why: &str) -> String {
    format!("could not be decoded: {why}")
}

/// Explains an error. Postcard drops the text of a type's own errors.
fn explain(error: &postcard::Error) -> String {
    use postcard::Error;
    match error {
        Error::SerdeSerCustom => "its own `Serialize` refused".to_owned(),
        Error::SerdeDeCustom => "its own `Deserialize` refused".to_owned(),
        Error::WontImplement => {
            "its `Deserialize` needs a self-describing format, which this one (postcard) is not"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// The error of a value that nests too deeply for the stack of the thread.
const TOO_DEEP: &str = "it is nested too deeply for the stack of the thread that encodes it: send \
     a list instead of a chain of boxes";

struct Append<'a> {
    into: &'a mut Vec<u8>,
    /// Checked while pushing: a value that nests without end pushes at each level.
    stack: &'a Stack,
    /// Pushes since the stack was last checked.
    unchecked: u8,
}

/// The number of pushes between checks; checking each would slow down pushes of single bytes. The
/// frames of that many levels are small: values are encoded by reference.
const UNCHECKED: u8 = 16;

impl Append<'_> {
    #[inline]
    fn check_stack(&mut self) -> postcard::Result<()> {
        self.unchecked += 1;
        if self.unchecked < UNCHECKED {
            return Ok(());
        }
        self.unchecked = 0;
        if self.stack.has_room() {
            Ok(())
        } else {
            Err(postcard::Error::SerializeBufferFull)
        }
    }
}

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.check_stack()?;
        self.into.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.check_stack()?;
        self.into.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};
    use std::fmt::Debug;
    use std::marker::PhantomData;
    use std::thread;

    use serde::Deserialize;

    use super::*;

    /// The length 2^62 - 1, as postcard encodes it.
    const HUGE: [u8; 9] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];

    #[track_caller]
    fn refuses<T: DeserializeOwned + Debug>(bytes: &[u8]) {
        let error = decode::<T>(bytes, Vec::new()).expect_err("more than the bytes can hold");
        assert!(error.contains("elements"), "{error}");
    }

    #[track_caller]
    fn round_trips<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
        let mut bytes = Vec::new();
        encode(value, &mut bytes).unwrap();
        assert_eq!(&decode::<T>(&bytes, Vec::new()).unwrap(), value);
    }

    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Empty {}

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Marked<T> {
        number: u8,
        markers: [PhantomData<T>; 3],
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Chain {
        End,
        Link(Box<Chain>),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Node {
        children: Vec<(u8, Option<Node>)>,
    }

    #[test]
    fn announced_lengths_of_empty_values_are_bounded() {
        refuses::<BTreeSet<()>>(&HUGE);
        refuses::<Vec<()>>(&HUGE);
        refuses::<Vec<Empty>>(&HUGE);
        refuses::<Vec<[(); 32]>>(&HUGE);
        refuses::<HashMap<(), ()>>(&HUGE);
        refuses::<BTreeMap<Empty, PhantomData<u8>>>(&HUGE);
        refuses::<Option<Vec<PhantomData<u8>>>>(&[&[1], &HUGE[..]].concat());
        // Each is within the limits; together they are not.
        let million = [0xc0, 0x84, 0x3d];
        refuses::<Vec<Vec<()>>>(&[&[10][..], &million.repeat(10)].concat());
        refuses::<(Vec<()>, Vec<()>, Vec<()>)>(&million.repeat(3));
    }

    #[test]
    fn honest_values_stay_within_limits() {
        round_trips(&vec![(); 1_000_000]);
        let marked = |number| Marked::<u64> {
            number,
            markers: [PhantomData; 3],
        };
        round_trips(&(0..500_000).map(|at| marked(at as u8)).collect::<Vec<_>>());
        round_trips(&vec![vec![vec![1_u8]; 100]; 100]);
        round_trips(
            &(0..1000)
                .map(|at| (at, Some("x")))
                .map(|(at, x)| (at, x.map(str::to_owned)))
                .collect::<BTreeMap<u32, _>>(),
        );
        round_trips(&[Ok::<u8, String>(1), Err("no".to_owned())]);
    }

    /// Runs on a thread with the default stack size. Must also pass in a debug build.
    #[test]
    fn nesting_is_refused_before_stack_ends() {
        let decoding = thread::Builder::new().stack_size(2 << 20).spawn(|| {
            let error = decode::<Chain>(&[1; 1 << 20], Vec::new()).unwrap_err();
            assert!(error.contains("levels deep"), "{error}");
            let error = decode::<Node>(&[1; 1 << 20], Vec::new()).unwrap_err();
            assert!(error.contains("levels deep"), "{error}");
            let mut chain = Chain::End;
            for _ in 0..200 {
                chain = Chain::Link(Box::new(chain));
            }
            round_trips(&chain);
        });
        decoding.unwrap().join().unwrap();
    }
}
