//! The named fields of an input, read without keeping a text: names and short texts as hashes, numbers as numbers.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::embed::token::hash;

/// Texts up to here name something; longer ones are prose.
const LABEL_BYTES_MAX: usize = 64;

/// The most fields that are read: a bound on the time of a decision.
const FIELDS_MAX: usize = 32;

/// What a field tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Number(f64),
    /// The hash of a short text, or of true or false.
    Label(u64),
    Other,
}

/// The fields of an object in the order of their names; none of anything else.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fields(pub(super) Vec<(u64, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::with_capacity(8);
                while let Some(Name(name)) = map.next_key()? {
                    if fields.len() < FIELDS_MAX {
                        fields.push((name, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

struct Name(u64);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(hash(name.bytes(), 0)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Label(u64::from(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Number(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Number(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Value::Number(value))
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(match text.len() {
                    1..=LABEL_BYTES_MAX => Value::Label(hash(text.bytes(), 0)),
                    _ => Value::Other,
                })
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Payload;

    use super::*;

    #[test]
    fn an_object_gives_its_numbers_and_labels_and_nothing_else_gives_any() {
        let input = Payload::parse(
            r#"{"a": "x", "b": -2.5, "c": true, "d": [1, {"e": 2}], "f": {"g": 1}, "h": null}"#,
        );
        let Fields(fields) = input.unwrap().to().unwrap();
        assert_eq!(fields.len(), 6);
        assert_eq!(fields[0], (hash(*b"a", 0), Value::Label(hash(*b"x", 0))));
        assert_eq!(fields[1].1, Value::Number(-2.5));
        assert_eq!(fields[2].1, Value::Label(1));
        assert!(fields[3..].iter().all(|field| field.1 == Value::Other));
        assert!(Payload::text("prose").to::<Fields>().is_err());
    }
}
