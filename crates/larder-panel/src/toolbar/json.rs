//! Records as JSON, for programs.
//!
//! - Durations are milliseconds, times are milliseconds since 1970; both with decimals.

use serde::Serialize;
use serde_json::{Map, Value};

/// Returns `value` as JSON.
///
/// # Errors
/// If the value cannot be written as JSON.
pub fn of(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    Ok(plain(serde_json::to_value(value)?))
}

/// Replaces serde's representation of durations and times by numbers.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(plain).collect()),
        Value::Object(members) => match millis(&members) {
            Some(millis) => millis.into(),
            None => members.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        },
        other => other,
    }
}

fn millis(members: &Map<String, Value>) -> Option<f64> {
    let both = |seconds: &str, rest: &str| {
        let (seconds, rest) = (members.get(seconds)?.as_u64()?, members.get(rest)?.as_u64()?);
        Some(seconds as f64 * 1e3 + rest as f64 / 1e6)
    };
    let is_pair = members.len() == 2;
    is_pair
        .then(|| both("secs", "nanos").or_else(|| both("secs_since_epoch", "nanos_since_epoch")))?
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn durations_and_times_are_milliseconds() {
        let took = Duration::from_micros(1_500);
        let json = of(&(Some(took), UNIX_EPOCH + took, [("a", 1)])).unwrap();
        assert_eq!(json.to_string(), r#"[1.5,1.5,[["a",1]]]"#);
    }
}
