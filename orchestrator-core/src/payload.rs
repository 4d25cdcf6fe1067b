//! What travels between steps: immutable canonical JSON, cheap to clone, typed by serde at both ends.
//!
//! ```
//! use orchestrator_core::Payload;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Review { approved: bool, remarks: Vec<String> }
//!
//! let review = Review { approved: false, remarks: vec!["no title".into()] };
//! let payload = Payload::of(&review)?;
//! assert_eq!(payload.as_json(), r#"{"approved":false,"remarks":["no title"]}"#);
//! assert_eq!(payload.to::<Review>()?, review);
//! assert_eq!(payload.at::<String>("/remarks/0")?, "no title");
//! assert!(Payload::of(&f64::NAN).is_err());
//! # Ok::<(), orchestrator_core::PayloadError>(())
//! ```

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical;

/// The most bytes that a payload carries between steps, unless the host says otherwise (1 MiB). What is larger is kept by
/// the host and referred to by a [`BlobRef`].
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Why a value is no payload, or a payload no such value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// JSON has no infinities and no NaN; send `None` or a text instead.
    #[error("a number is not finite")]
    NotFinite,
    /// Two entries of a map serialise to the same key.
    #[error("the key {key:?} occurs twice in an object")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// The value's own `Serialize` failed, or it has a shape that JSON has not.
    #[error("the value does not serialise: {reason}")]
    Encode {
        /// What serde said.
        reason: String,
    },
    /// The text is not JSON.
    #[error("the text is not JSON: {reason}")]
    Parse {
        /// What serde_json said, with line and column.
        reason: String,
    },
    /// The payload does not have the shape that was asked for.
    #[error("the payload is no {wanted}: {reason}")]
    Decode {
        /// The Rust type that was asked for.
        wanted: &'static str,
        /// What serde said.
        reason: String,
    },
    /// The pointer leads nowhere.
    #[error("the payload has nothing at {pointer:?}")]
    Missing {
        /// The JSON pointer (RFC 6901).
        pointer: String,
    },
}

/// An immutable value in canonical JSON: the same value always has the same bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Payload(Arc<str>);

impl Payload {
    /// The payload of a value.
    ///
    /// # Errors
    /// When the value holds a non-finite number, a duplicate key, or does not serialise.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Payload, PayloadError> {
        let bytes = canonical::to_bytes(value)?;
        let text = String::from_utf8(bytes).expect("every piece that is written is UTF-8");
        Ok(Payload(text.into()))
    }

    /// The payload of a JSON text, brought into canonical form.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn parse(json: &str) -> Result<Payload, PayloadError> {
        let value: serde_json::Value = serde_json::from_str(json)
            .map_err(|error| PayloadError::Parse { reason: error.to_string() })?;
        Payload::of(&value)
    }

    /// A payload that is a text.
    pub fn text(text: &str) -> Payload {
        Payload(serde_json::Value::from(text).to_string().into())
    }

    /// The object of these payloads. The names are names of steps, which need no escapes.
    pub(crate) fn object(mut parts: Vec<(&str, Payload)>) -> Payload {
        parts.sort_unstable_by_key(|(name, _)| *name);
        let bytes: usize = parts.iter().map(|(name, part)| name.len() + part.bytes() + 4).sum();
        let mut text = String::with_capacity(bytes + 2);
        text.push('{');
        for (at, (name, part)) in parts.iter().enumerate() {
            text.push_str(if at == 0 { "\"" } else { ",\"" });
            text.push_str(name);
            text.push_str("\":");
            text.push_str(&part.0);
        }
        text.push('}');
        Payload(text.into())
    }

    /// The array of these payloads.
    pub(crate) fn array(parts: impl Iterator<Item = Payload>) -> Payload {
        let mut text = String::from("[");
        for (at, part) in parts.enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(&part.0);
        }
        text.push(']');
        Payload(text.into())
    }

    /// The payload that says nothing.
    pub fn null() -> Payload {
        Payload("null".into())
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }

    /// The canonical JSON.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// A digest of the bytes, 32 hexadecimal digits: FNV-1a with 128 bits (Fowler, Noll, Vo). It tells honest changes apart;
    /// it does not withstand somebody who looks for a collision.
    pub fn digest(&self) -> String {
        let mut hasher = Payload::hasher();
        hasher.add(self.0.as_bytes());
        hasher.finish()
    }

    /// The digest of a text that is written piece by piece.
    pub(crate) fn hasher() -> Fnv128 {
        Fnv128(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    /// The value, as a type of the caller's.
    ///
    /// # Errors
    /// When the payload does not have the shape of `T`.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, PayloadError> {
        serde_json::from_str(&self.0).map_err(|error| decode::<T>(&error))
    }

    /// The part at a JSON pointer (RFC 6901: `/remarks/0`), as a type of the caller's.
    ///
    /// # Errors
    /// When there is no such part, or it does not have the shape of `T`.
    pub fn at<T: DeserializeOwned>(&self, pointer: &str) -> Result<T, PayloadError> {
        let mut value: serde_json::Value = self.to()?;
        let part = value
            .pointer_mut(pointer)
            .ok_or_else(|| PayloadError::Missing { pointer: pointer.to_owned() })?;
        serde_json::from_value(part.take()).map_err(|error| decode::<T>(&error))
    }
}

/// See [`Payload::digest`].
pub(crate) struct Fnv128(u128);

impl Fnv128 {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte))
                .wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }

    pub(crate) fn finish(&self) -> String {
        format!("{:032x}", self.0)
    }
}

impl fmt::Write for Fnv128 {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.add(text.as_bytes());
        Ok(())
    }
}

fn decode<T>(error: &serde_json::Error) -> PayloadError {
    PayloadError::Decode { wanted: std::any::type_name::<T>(), reason: error.to_string() }
}

impl Default for Payload {
    fn default() -> Self {
        Payload::null()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Payload::text(text)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Payload::text(&text)
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: serde_json::Value =
            serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Payload::of(&value).map_err(serde::de::Error::custom)
    }
}

/// Where the host keeps what is too large for a payload: a worker stores it and answers with this instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// The host's own address of the content: a path, a key, a URL.
    pub location: String,
    /// The length of the content.
    pub bytes: u64,
    /// A digest by which a reader can tell that it got the same content, written `algorithm:hex`.
    pub digest: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_sorted_whatever_order_they_came_in() {
        let a = Payload::parse(r#" {"b": 1, "a": {"d": [1.50, null], "c": "é\n"}} "#).unwrap();
        assert_eq!(a.as_json(), r#"{"a":{"c":"é\n","d":[1.5,null]},"b":1}"#);
    }

    #[test]
    fn enums_and_maps_serialise_as_serde_json_does() {
        #[derive(Serialize)]
        enum Shape {
            Unit,
            New(u8),
            Pair(u8, i64),
            Named { z: bool, a: char },
        }
        for shape in
            [Shape::Unit, Shape::New(3), Shape::Pair(1, -2), Shape::Named { z: true, a: '"' }]
        {
            let ours: serde_json::Value = Payload::of(&shape).unwrap().to().unwrap();
            assert_eq!(ours, serde_json::to_value(&shape).unwrap());
        }
        let map = BTreeMap::from([(10_u32, "ten"), (9, "nine")]);
        assert_eq!(Payload::of(&map).unwrap().as_json(), r#"{"10":"ten","9":"nine"}"#);
    }

    #[test]
    fn what_json_cannot_hold_is_refused() {
        assert_eq!(Payload::of(&[1.0, f64::INFINITY]).unwrap_err(), PayloadError::NotFinite);
        assert_eq!(Payload::of(&f32::NAN).unwrap_err(), PayloadError::NotFinite);
        assert!(matches!(Payload::parse("{\"a\":"), Err(PayloadError::Parse { .. })));
        assert!(matches!(Payload::text("x").to::<u8>(), Err(PayloadError::Decode { .. })));
        assert!(matches!(Payload::null().at::<u8>("/a"), Err(PayloadError::Missing { .. })));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            (-1e300..1e300_f64).prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_is_put_together_is_canonical() {
        let (a, b) = (Payload::parse(r#"{"x":[1,"é"]}"#).unwrap(), Payload::text("q\"q"));
        let object =
            Payload::object(vec![("z", a.clone()), ("é.b", b.clone()), ("a-1", b.clone())]);
        assert_eq!(Payload::parse(object.as_json()).unwrap(), object);
        let array = Payload::array([a, b].into_iter());
        assert_eq!(Payload::parse(array.as_json()).unwrap(), array);
        assert_eq!(Payload::array(std::iter::empty()).as_json(), "[]");
        assert_eq!(Payload::object(Vec::new()).as_json(), "{}");
    }

    proptest! {
        #[test]
        fn every_json_value_survives(value in json()) {
            let payload = Payload::of(&value).unwrap();
            prop_assert_eq!(payload.to::<serde_json::Value>().unwrap(), value);
            prop_assert_eq!(Payload::parse(payload.as_json()).unwrap(), payload);
        }
    }
}
