//! SHA-256 in hexadecimal, for the digests by which a generated layer knows that it wrote what was shipped. Not for secrets.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The digest in hexadecimal, as Python's `hashlib` writes it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        write!(hex, "{byte:02x}").expect("a string takes what is written");
    }
    hex
}
