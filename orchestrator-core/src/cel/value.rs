//! JSON to CEL values and back.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use cel::objects::Key;
use serde_json::Value as Json;

use crate::closure::ClosureError;
use crate::payload::Payload;

pub(super) type Boxed = Box<dyn Val>;

pub(super) fn of_payload(payload: &Payload) -> Result<Boxed, ClosureError> {
    Ok(of_json(payload.to()?))
}

pub(super) fn of_text(text: &str) -> Boxed {
    Box::new(CelString::from(text.to_owned()))
}

pub(super) fn null() -> Boxed {
    Box::new(CelNull)
}

pub(super) fn of_entries(entries: impl IntoIterator<Item = (String, Boxed)>) -> Boxed {
    let entries = entries.into_iter().map(|(key, value)| (CelMapKey::from(key), value));
    Box::new(CelMap::from(entries.collect::<HashMap<_, _>>()))
}

/// Recursion is as deep as the JSON, which serde_json bounds.
fn of_json(json: Json) -> Boxed {
    match json {
        Json::Null => null(),
        Json::Bool(truth) => Box::new(CelBool::from(truth)),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(int), _, _) => Box::new(CelInt::from(int)),
            (None, Some(uint), _) => Box::new(CelUInt::from(uint)),
            (None, None, double) => Box::new(CelDouble::from(double.unwrap_or(f64::NAN))),
        },
        Json::String(text) => Box::new(CelString::from(text)),
        Json::Array(items) => {
            Box::new(CelList::from(items.into_iter().map(of_json).collect::<Vec<Boxed>>()))
        }
        Json::Object(entries) => {
            of_entries(entries.into_iter().map(|(key, value)| (key, of_json(value))))
        }
    }
}

/// The JSON of what an expression gave; the order of its maps is made by whoever writes it canonically.
pub(super) fn to_json(value: &cel::Value) -> Result<Json, ClosureError> {
    match value {
        cel::Value::Null => Ok(Json::Null),
        cel::Value::Bool(truth) => Ok((*truth).into()),
        cel::Value::Int(int) => Ok((*int).into()),
        cel::Value::UInt(uint) => Ok((*uint).into()),
        cel::Value::Float(double) => serde_json::Number::from_f64(*double)
            .map(Json::Number)
            .ok_or_else(|| ClosureError::new("it gives a number that is not finite")),
        cel::Value::String(text) => Ok(text.as_str().into()),
        cel::Value::List(items) => items.iter().map(to_json).collect(),
        cel::Value::Map(map) => {
            let entries = map.map.iter().map(|(key, value)| match key {
                Key::String(key) => Ok((key.to_string(), to_json(value)?)),
                Key::Int(_) | Key::Uint(_) | Key::Bool(_) => {
                    Err(ClosureError::new("it gives a map with a key that is not a string"))
                }
            });
            entries.collect::<Result<_, _>>().map(Json::Object)
        }
        other => {
            Err(ClosureError::new(format!("it gives a {}, which JSON has not", other.type_of())))
        }
    }
}
