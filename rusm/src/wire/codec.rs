//! postcard, with errors that say what was expected.

use serde::{Serialize, de::DeserializeOwned};
use std::cell::Cell;
use std::fmt;

/// Bytes that are not what they should be, or a value that has no bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecError(String);

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CodecError {}

thread_local! {
    /// Why a value of ours has no bytes: postcard forgets the text of a custom error.
    static REFUSED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Says why a value that is being encoded has no bytes; its `Serialize` fails then.
pub(crate) fn refuse(why: &'static str) {
    REFUSED.set(Some(why));
}

/// Encodes a value.
///
/// # Errors
/// A `Serialize` written by hand that fails or does not tell its length.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    REFUSED.set(None);
    postcard::to_allocvec(value)
        .map_err(|error| CodecError(REFUSED.take().map_or_else(|| error.to_string(), str::to_owned)))
}

/// Decodes a value from exactly these bytes.
///
/// # Errors
/// Bytes that are too few, too many, or not of this type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(CodecError(format!("{} bytes too many", rest.len()))),
        Err(error) => Err(CodecError(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(value: (u64, String, Option<Vec<i32>>)) {
            prop_assert_eq!(decode::<(u64, String, Option<Vec<i32>>)>(&encode(&value).unwrap()).unwrap(), value);
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes: Vec<u8>) {
            let _ = decode::<(String, Vec<String>, Option<u64>)>(&bytes);
        }
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        assert_eq!(decode::<u8>(&[1, 2]).unwrap_err().to_string(), "1 bytes too many");
    }
}
