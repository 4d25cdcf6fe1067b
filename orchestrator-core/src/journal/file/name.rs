//! The file name of a run: safe on every file system, different for different runs.
//!
//! A run's name may have upper case, letters of any script, and be `..`; file systems may fold case, compose accents, or reserve `con`.
//! Lower-case letters, digits, `_`, `-` and `.` stand for themselves; `+a` is `A`; any other byte is `%` and two hexadecimal digits,
//! as is a leading dot and the first letter of a reserved word. What becomes too long that way is `=` and all its bytes in base 32.

use crate::id::RunId;

/// Leaves room for an extension within the 255 bytes that file systems allow.
const NAME_BYTES_MAX: usize = 230;

/// Device names of Windows, with any extension.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
const RESERVED_NUMBERED: [&str; 2] = ["com", "lpt"];

/// The file name, without extension.
pub(super) fn file_name(run: &RunId) -> String {
    let id = run.as_str();
    let mut name = String::with_capacity(id.len());
    for (at, byte) in id.bytes().enumerate() {
        let first_must_go = at == 0 && (byte == b'.' || reserved(id));
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' if !first_must_go => {
                name.push(char::from(byte));
            }
            b'A'..=b'Z' => {
                name.push('+');
                name.push(char::from(byte.to_ascii_lowercase()));
            }
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    if name.len() <= NAME_BYTES_MAX { name } else { base32(id.as_bytes()) }
}

fn reserved(id: &str) -> bool {
    let stem = id.split('.').next().unwrap_or(id);
    RESERVED.contains(&stem)
        || RESERVED_NUMBERED.iter().any(|word| {
            stem.strip_prefix(word)
                .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
        })
}

/// RFC 4648 in lower case, without padding. 128 bytes become 206 characters, the sign in front included.
fn base32(bytes: &[u8]) -> String {
    let mut name = String::from("=");
    for five in bytes.chunks(5) {
        let mut group = [0; 8];
        group[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(group);
        for digit in 0..(five.len() * 8).div_ceil(5) {
            let value = (bits >> (35 - 5 * digit) & 31) as usize;
            name.push(char::from(b"abcdefghijklmnopqrstuvwxyz234567"[value]));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(id: &str, name: &str) {
        assert_eq!(file_name(&RunId::parse(id).unwrap()), name);
    }

    #[test]
    fn a_name_is_safe_and_mostly_readable() {
        check("run-1.b_c", "run-1.b_c");
        check("Run-A", "+run-+a");
        check("ä", "%c3%a4");
        check(".", "%2e");
        check("..", "%2e.");
        check("con", "%63on");
        check("con.1", "%63on.1");
        check("com7", "%63om7");
        check("comet", "comet");
        check("-", "-");
    }

    #[test]
    fn the_longest_names_fit_and_stay_apart() {
        let ids =
            ["A".repeat(128), format!("{}B", "A".repeat(127)), "ä".repeat(64), "ö".repeat(64)];
        let names: BTreeSet<String> =
            ids.iter().map(|id| file_name(&RunId::parse(id).unwrap())).collect();
        assert_eq!(names.len(), ids.len());
        assert!(names.iter().all(|name| name.len() <= NAME_BYTES_MAX));
        // RFC 4648, section 10.
        assert_eq!(base32(b"foobar"), "=mzxw6ytboi");
        assert_eq!(base32(b"foob"), "=mzxw6yq");
    }

    #[test]
    fn no_two_names_differ_in_case_only() {
        let mut folded = BTreeSet::new();
        for id in ["a", "A", "+a".trim_start_matches('+'), "aA", "Aa", "AA", "aa"] {
            folded.insert(file_name(&RunId::parse(id).unwrap()).to_lowercase());
        }
        assert_eq!(folded.len(), 6, "one of the seven is there twice");
    }
}
