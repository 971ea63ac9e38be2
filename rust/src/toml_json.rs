//! TOML as JSON in which every value carries its place in the text:
//! `{"line": 3, "column": 8, "value": ...}`; tables and arrays hold such objects in turn.

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub struct Refusal {
    pub line: u32,
    pub column: u32,
    pub text: String,
}

pub fn annotated_json(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| refusal(bytes, e.valid_up_to(), "the text is not valid UTF-8"))?;
    let table = DeTable::parse(text)
        .map_err(|e| refusal(bytes, e.span().map_or(0, |s| s.start), e.message()))?;
    let json = place(bytes, table.span().start, Value::Object(table_json(bytes, table.get_ref())?));
    serde_json::to_vec(&json).map_err(|e| refusal(bytes, 0, &e.to_string()))
}

fn refusal(bytes: &[u8], offset: usize, text: &str) -> Refusal {
    let (line, column) = line_column(bytes, offset);
    Refusal { line, column, text: text.replace('\n', " ") }
}

fn line_column(bytes: &[u8], offset: usize) -> (u32, u32) {
    let before = &bytes[..offset.min(bytes.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    (line as u32, column as u32)
}

fn place(bytes: &[u8], offset: usize, value: Value) -> Value {
    let (line, column) = line_column(bytes, offset);
    json!({ "line": line, "column": column, "value": value })
}

fn table_json(bytes: &[u8], table: &DeTable<'_>) -> Result<Map<String, Value>, Refusal> {
    let mut map = Map::new();
    for (key, value) in table {
        let value = value_json(bytes, value.get_ref())?;
        map.insert(key.get_ref().to_string(), place(bytes, key.span().start, value));
    }
    Ok(map)
}

fn value_json(bytes: &[u8], value: &DeValue<'_>) -> Result<Value, Refusal> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(n) => {
            let parsed = i64::from_str_radix(n.as_str(), n.radix());
            Value::from(parsed.map_err(|_| refusal(bytes, 0, "an integer exceeds 64 bits"))?)
        }
        DeValue::Float(n) => n.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(b) => Value::Bool(*b),
        DeValue::Datetime(d) => Value::String(d.to_string()),
        DeValue::Array(items) => Value::Array(items_json(bytes, items)?),
        DeValue::Table(table) => Value::Object(table_json(bytes, table)?),
    })
}

fn items_json<'a>(
    bytes: &[u8],
    items: impl IntoIterator<Item = &'a Spanned<DeValue<'a>>>,
) -> Result<Vec<Value>, Refusal> {
    let item = |v: &'a Spanned<DeValue<'a>>| {
        Ok(place(bytes, v.span().start, value_json(bytes, v.get_ref())?))
    };
    items.into_iter().map(item).collect()
}
