//! Values as bytes (postcard), and the descriptors that travel beside them.

use std::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use postcard::ser_flavors::Flavor;

/// Descriptors that belong to an encoded value.
pub(crate) type Descriptors = Vec<Arc<OwnedFd>>;

/// Whether this thread encodes or decodes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Neither,
    /// It does, and no descriptor has come up.
    WithoutDescriptors,
    WithDescriptors,
}

thread_local! {
    // By itself, since this has no destructor and so costs next to nothing to look at: most values have no descriptors.
    static MODE: Cell<Mode> = const { Cell::new(Mode::Neither) };
    static TRAVELLING: RefCell<Descriptors> = const { RefCell::new(Vec::new()) };
}

/// Takes a descriptor along with the value that is being encoded; `None` if none is.
pub(crate) fn take_along(descriptor: &Arc<OwnedFd>) -> Option<u32> {
    if MODE.get() == Mode::Neither {
        return None;
    }
    MODE.set(Mode::WithDescriptors);
    TRAVELLING.with_borrow_mut(|travelling| {
        travelling.push(Arc::clone(descriptor));
        u32::try_from(travelling.len() - 1).ok()
    })
}

/// The descriptor of that number, which came along with the value that is being decoded.
pub(crate) fn came_along(number: u32) -> Option<Arc<OwnedFd>> {
    if MODE.get() != Mode::WithDescriptors {
        return None;
    }
    TRAVELLING.with_borrow(|travelling| travelling.get(number as usize).cloned())
}

/// Sets the descriptors for as long as it lives, also if a value's own code panics. A value within a value puts back what
/// was there.
struct Travel {
    outer: Mode,
    outer_descriptors: Descriptors,
}

impl Travel {
    fn with(descriptors: Descriptors) -> Self {
        let outer = MODE.get();
        let mut outer_descriptors = Vec::new();
        if outer == Mode::WithDescriptors {
            outer_descriptors = TRAVELLING.take();
        }
        if descriptors.is_empty() {
            MODE.set(Mode::WithoutDescriptors);
        } else {
            MODE.set(Mode::WithDescriptors);
            TRAVELLING.set(descriptors);
        }
        Self {
            outer,
            outer_descriptors,
        }
    }

    fn descriptors(&self) -> Descriptors {
        if MODE.replace(Mode::WithoutDescriptors) == Mode::WithDescriptors {
            TRAVELLING.take()
        } else {
            Vec::new()
        }
    }
}

impl Drop for Travel {
    fn drop(&mut self) {
        if MODE.replace(self.outer) == Mode::WithDescriptors || self.outer == Mode::WithDescriptors
        {
            TRAVELLING.set(std::mem::take(&mut self.outer_descriptors));
        }
    }
}

/// Appends a value, and returns its descriptors.
///
/// # Errors
/// Why it cannot be encoded.
pub(crate) fn encode<T: Serialize + ?Sized>(
    value: &T,
    into: &mut Vec<u8>,
) -> Result<Descriptors, String> {
    let travel = Travel::with(Vec::new());
    let length = into.len();
    let result = postcard::serialize_with_flavor(value, Append(into));
    let descriptors = travel.descriptors();
    drop(travel);
    if let Err(error) = result {
        into.truncate(length);
        return Err(explain(&error));
    }
    if descriptors.len() >= crate::transport::socket::MOST_DESCRIPTORS {
        into.truncate(length);
        return Err(format!(
            "it holds {} buffers, more than fit one message",
            descriptors.len()
        ));
    }
    Ok(descriptors)
}

/// Makes a value of bytes, all of them.
///
/// # Errors
/// Why these bytes are no such value.
pub(crate) fn decode<T: DeserializeOwned>(
    bytes: &[u8],
    descriptors: Descriptors,
) -> Result<T, String> {
    let _travel = Travel::with(descriptors);
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes are left over", rest.len())),
        Err(error) => Err(explain(&error)),
    }
}

/// Postcard drops the words of a type's own errors; what is left is said in ours.
fn explain(error: &postcard::Error) -> String {
    use postcard::Error;
    match error {
        Error::SerdeSerCustom => "its own `Serialize` refused".to_owned(),
        Error::SerdeDeCustom => "its own `Deserialize` refused".to_owned(),
        Error::WontImplement => {
            "its `Deserialize` asks the format what comes next, and this format (postcard) does not say".to_owned()
        }
        other => other.to_string(),
    }
}

struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
