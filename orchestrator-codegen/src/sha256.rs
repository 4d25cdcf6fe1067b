//! SHA-256 in hexadecimal, for the digests by which a generated layer knows that it wrote what was shipped. Not for secrets.

use sha2::{Digest, Sha256};

/// The digest in hexadecimal, as Python's `hashlib` writes it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
