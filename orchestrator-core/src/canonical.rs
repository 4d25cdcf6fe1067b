//! JSON with one spelling a value: object keys sorted by their bytes, no white space, no duplicate keys, finite numbers.
//!
//! Written as a serializer of its own because serde_json's map keeps insertion order as soon as any crate of the build turns
//! on `preserve_order`, and because serde_json writes a non-finite number as `null` without a word.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{self, SerializeMap, SerializeSeq, SerializeStruct};

use crate::payload::PayloadError;

/// The name under which serde_json hands over numbers when a crate of the build turns on `arbitrary_precision`.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// The canonical bytes of a value.
pub(crate) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, PayloadError> {
    let mut out = Vec::with_capacity(64);
    value.serialize(Canonical { out: &mut out })?;
    Ok(out)
}

impl ser::Error for PayloadError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        PayloadError::Encode { reason: message.to_string() }
    }
}

struct Canonical<'a> {
    out: &'a mut Vec<u8>,
}

impl Canonical<'_> {
    fn text(self, text: &str) -> Result<(), PayloadError> {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn quoted(self, text: &str) -> Result<(), PayloadError> {
        serde_json::to_writer(self.out, text).map_err(ser::Error::custom)
    }
}

impl<'a> ser::Serializer for Canonical<'a> {
    type Ok = ();
    type Error = PayloadError;
    type SerializeSeq = Seq<'a>;
    type SerializeTuple = Seq<'a>;
    type SerializeTupleStruct = Seq<'a>;
    type SerializeTupleVariant = Seq<'a>;
    type SerializeMap = Map<'a>;
    type SerializeStruct = Map<'a>;
    type SerializeStructVariant = Map<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), PayloadError> {
        self.text(if v { "true" } else { "false" })
    }
    fn serialize_i8(self, v: i8) -> Result<(), PayloadError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<(), PayloadError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<(), PayloadError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<(), PayloadError> {
        self.text(&v.to_string())
    }
    fn serialize_u8(self, v: u8) -> Result<(), PayloadError> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<(), PayloadError> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<(), PayloadError> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<(), PayloadError> {
        self.text(&v.to_string())
    }
    fn serialize_f32(self, v: f32) -> Result<(), PayloadError> {
        if !v.is_finite() {
            return Err(PayloadError::NotFinite);
        }
        serde_json::to_writer(self.out, &v).map_err(ser::Error::custom)
    }
    fn serialize_f64(self, v: f64) -> Result<(), PayloadError> {
        if !v.is_finite() {
            return Err(PayloadError::NotFinite);
        }
        serde_json::to_writer(self.out, &v).map_err(ser::Error::custom)
    }
    fn serialize_char(self, v: char) -> Result<(), PayloadError> {
        self.quoted(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Result<(), PayloadError> {
        self.quoted(v)
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<(), PayloadError> {
        v.serialize(self)
    }
    fn serialize_none(self) -> Result<(), PayloadError> {
        self.text("null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), PayloadError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), PayloadError> {
        self.text("null")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), PayloadError> {
        self.text("null")
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), PayloadError> {
        self.quoted(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), PayloadError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), PayloadError> {
        let mut map = Map::new(self.out, None);
        map.put(variant.to_owned(), value)?;
        SerializeMap::end(map)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Seq<'a>, PayloadError> {
        Ok(Seq::new(self.out, None))
    }
    fn serialize_tuple(self, _: usize) -> Result<Seq<'a>, PayloadError> {
        Ok(Seq::new(self.out, None))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Seq<'a>, PayloadError> {
        Ok(Seq::new(self.out, None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Seq<'a>, PayloadError> {
        Ok(Seq::new(self.out, Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Map<'a>, PayloadError> {
        Ok(Map::new(self.out, None))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Map<'a>, PayloadError> {
        Ok(Map { number: name == NUMBER_TOKEN, ..Map::new(self.out, None) })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Map<'a>, PayloadError> {
        Ok(Map::new(self.out, Some(variant)))
    }
}

/// Opens `{"variant":` where an enum wraps its content.
fn open(out: &mut Vec<u8>, variant: Option<&'static str>) {
    if let Some(variant) = variant {
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(variant.as_bytes());
        out.extend_from_slice(b"\":");
    }
}

struct Seq<'a> {
    out: &'a mut Vec<u8>,
    wrapped: bool,
    first: bool,
}

impl<'a> Seq<'a> {
    fn new(out: &'a mut Vec<u8>, variant: Option<&'static str>) -> Self {
        open(out, variant);
        out.push(b'[');
        Seq { out, wrapped: variant.is_some(), first: true }
    }
}

impl SerializeSeq for Seq<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PayloadError> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        value.serialize(Canonical { out: self.out })
    }
    fn end(self) -> Result<(), PayloadError> {
        self.out.extend_from_slice(if self.wrapped { b"]}" } else { b"]" });
        Ok(())
    }
}

impl ser::SerializeTuple for Seq<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PayloadError> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), PayloadError> {
        SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for Seq<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PayloadError> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), PayloadError> {
        SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleVariant for Seq<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PayloadError> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<(), PayloadError> {
        SerializeSeq::end(self)
    }
}

/// Collects the entries of an object, so that they can be written in order.
struct Map<'a> {
    out: &'a mut Vec<u8>,
    variant: Option<&'static str>,
    number: bool,
    key: Option<String>,
    entries: BTreeMap<String, Vec<u8>>,
}

impl<'a> Map<'a> {
    fn new(out: &'a mut Vec<u8>, variant: Option<&'static str>) -> Self {
        Map { out, variant, number: false, key: None, entries: BTreeMap::new() }
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), PayloadError> {
        let bytes = to_bytes(value)?;
        match self.entries.insert(key.clone(), bytes) {
            None => Ok(()),
            Some(_) => Err(PayloadError::DuplicateKey { key }),
        }
    }
}

impl SerializeMap for Map<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), PayloadError> {
        // Keys may be texts, characters, integers, booleans and unit variants, as in serde_json.
        let bytes = to_bytes(key)?;
        let text = match bytes.first() {
            Some(b'"') => serde_json::from_slice(&bytes).map_err(ser::Error::custom)?,
            Some(b'0'..=b'9' | b'-' | b't' | b'f') => {
                String::from_utf8(bytes).map_err(ser::Error::custom)?
            }
            _ => return Err(ser::Error::custom("an object key must be a text")),
        };
        self.key = Some(text);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), PayloadError> {
        let key = self.key.take().ok_or_else(|| ser::Error::custom("a value without a key"))?;
        self.put(key, value)
    }
    fn end(self) -> Result<(), PayloadError> {
        open(self.out, self.variant);
        self.out.push(b'{');
        for (at, (key, value)) in self.entries.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            serde_json::to_writer(&mut *self.out, key).map_err(ser::Error::custom)?;
            self.out.push(b':');
            self.out.extend_from_slice(value);
        }
        self.out.extend_from_slice(if self.variant.is_some() { b"}}" } else { b"}" });
        Ok(())
    }
}

impl SerializeStruct for Map<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), PayloadError> {
        self.put(key.to_owned(), value)
    }
    fn end(self) -> Result<(), PayloadError> {
        if self.number
            && let Some(digits) = self.entries.get(NUMBER_TOKEN)
        {
            let digits: String = serde_json::from_slice(digits).map_err(ser::Error::custom)?;
            self.out.extend_from_slice(digits.as_bytes());
            return Ok(());
        }
        SerializeMap::end(self)
    }
}

impl ser::SerializeStructVariant for Map<'_> {
    type Ok = ();
    type Error = PayloadError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), PayloadError> {
        self.put(key.to_owned(), value)
    }
    fn end(self) -> Result<(), PayloadError> {
        SerializeMap::end(self)
    }
}
