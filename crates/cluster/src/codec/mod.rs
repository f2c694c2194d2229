//! The encoding of values as bytes (postcard).

mod bounded;
mod stack;

use serde::Serialize;
use serde::de::DeserializeOwned;

use bounded::{Bounded, Limits};

/// Appends an encoded value.
///
/// # Errors
/// The reason why it cannot be encoded.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, into: &mut Vec<u8>) -> Result<(), String> {
    let length = into.len();
    match postcard::to_extend(value, Append(into)) {
        Ok(_) => Ok(()),
        Err(error) => {
            into.truncate(length);
            Err(explain(&error))
        }
    }
}

/// Decodes a value from all of `bytes`. A short input can neither decode to a large value nor take
/// long: see [`bounded`].
///
/// # Errors
/// The reason why the bytes do not decode to this type.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
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

/// A vector to append to.
struct Append<'a>(&'a mut Vec<u8>);

impl Extend<u8> for Append<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}
