//! The JSON schema of the scenario format, for editors: `ekssim schema`. It derives from the format's and the
//! parameters' declarations.

use crate::explain::in_words;
use crate::scenario::format::{Absent, Key, Kind, SCENARIO, STEP, Shape};
use crate::scenario::settings::{group_of, groups};
use serde_json::{Map, Value, json};
use sim_eks::quantity::Tier;
use sim_eks::record::{CLIENT_MEASURES, FARGATE_MEASURES, MEASURES};
use sim_eks::{DECLARATIONS, Declaration};

const DURATION: &str = r"^\s*([Pp][0-9DdTtHhMmSs.]+|0|(([0-9]+\.?[0-9]*|\.[0-9]+)([nNuUmM]?[sS]|[mMhHdD])\s*)+)$";
const CPU: &str = r"^\s*[0-9.]+([eE][+-]?[0-9]+|m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|Ei)?\s*$";
const MEMORY: &str = r"^\s*[0-9.]+([eE][+-]?[0-9]+|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi|Ei)\s*$|^\s*[0-9]{7,}\s*$";
const THRESHOLD: &str = r"^\s*(>=|<=|>|<)\s*[0-9.]";

/// The schema (draft 7, which TOML editors know). It refuses unknown keys and wrong types; what depends on several
/// keys at once is for `ekssim check`.
pub fn schema() -> Value {
    let mut schema = table(&SCENARIO);
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("ekssim scenario");
    schema
}

fn table(shape: &Shape) -> Value {
    let properties: Map<String, Value> = shape.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        shape.keys.iter().filter(|key| matches!(key.absent, Absent::Refused)).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": shape.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut property = kind(&key.kind);
    let about = match key.absent {
        Absent::Then(what) => format!("{} If absent: {what}.", key.about),
        Absent::Refused | Absent::Default(_) => key.about.to_owned(),
    };
    property["description"] = json!(about);
    if let Absent::Default(text) = key.absent {
        property["default"] = match key.kind {
            Kind::Count(..) | Kind::Flag | Kind::Table(_) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            _ => json!(text),
        };
    }
    property
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string", "pattern": r"\S" }),
        Kind::Count(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Duration => json!({ "type": "string", "pattern": DURATION }),
        Kind::Cpu => json!({ "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string", "pattern": CPU }] }),
        Kind::Memory => json!({ "type": "string", "pattern": MEMORY }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string", "pattern": r"\S" } }),
        Kind::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
        Kind::Counts => {
            json!({ "type": "object", "additionalProperties": { "type": "integer", "minimum": 0 } })
        }
        Kind::Table(shape) => table(shape),
        Kind::Tables(shape) => json!({ "type": "array", "items": table(shape) }),
        Kind::Variants(variants) => json!({ "type": "array", "items": one_of(variants) }),
        Kind::PathOrTable(shape) => json!({ "anyOf": [{ "type": "string", "pattern": r"\S" }, table(shape)] }),
        Kind::Parameters => parameters(),
        Kind::Objectives => objectives(""),
    }
}

/// A table whose `kind` says which keys it has.
fn one_of(variants: &[(&str, &Shape)]) -> Value {
    let variant = |(name, shape): &(&str, &Shape)| {
        let mut table = table(shape);
        for key in STEP {
            table["properties"][key.name] = property(key);
        }
        table["properties"]["kind"] = json!({ "type": "string", "enum": [name], "description": shape.about });
        table["required"].as_array_mut().expect("a list, as made above").push(json!("kind"));
        table
    };
    json!({ "anyOf": variants.iter().map(variant).collect::<Vec<_>>() })
}

/// The measures that `prefix` begins, by the rest of their names: as quoted names, and as dotted keys, which nest.
fn objectives(prefix: &str) -> Value {
    let rests = || MEASURES.iter().chain(&FARGATE_MEASURES).filter_map(|name| name.strip_prefix(prefix));
    let mut properties = Map::new();
    for rest in rests() {
        properties.insert(rest.to_owned(), json!({ "type": "string", "pattern": THRESHOLD }));
    }
    for (first, _) in rests().filter_map(|rest| rest.split_once('.')) {
        // Of a measure that begins others, `api.availability`, a file may hold either in this place.
        let nested = objectives(&format!("{prefix}{first}."));
        let both = rests().any(|rest| rest == first);
        let threshold = json!({ "type": "string", "pattern": THRESHOLD });
        properties.insert(first.to_owned(), if both { json!({ "anyOf": [threshold, nested] }) } else { nested });
    }
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if prefix.is_empty() {
        // The names of clients are the file's own.
        let measures = CLIENT_MEASURES.join("|").replace('.', "\\.");
        let quoted = format!("^client\\..+\\.({measures})$");
        schema["patternProperties"] = json!({ quoted: { "type": "string", "pattern": THRESHOLD } });
        schema["properties"]["client"] = json!({ "type": "object" });
    }
    schema
}

/// Every parameter of the registry, by group.
fn parameters() -> Value {
    let group = |group: &'static str| {
        let members = DECLARATIONS.iter().filter(|declared| group_of(declared.path) == group);
        let names = members.map(|declared| (declared.path[group.len() + 1..].to_owned(), parameter(declared)));
        let properties: Map<String, Value> = names.collect();
        (group.to_owned(), json!({ "type": "object", "properties": properties, "additionalProperties": false }))
    };
    let properties: Map<String, Value> = groups().into_iter().map(group).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn parameter(declared: &Declaration) -> Value {
    let mut schema = match declared.kind {
        "duration" => json!({ "type": "string", "pattern": DURATION }),
        "count" => json!({ "type": "integer", "minimum": 0 }),
        "number" => json!({ "type": ["number", "string"] }),
        "flag" => json!({ "type": "boolean" }),
        "tier" => json!({ "enum": Tier::ALL.map(|(_, name)| name) }),
        "placement" => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        _ => json!({ "type": "string" }),
    };
    if let (Some((low, high)), "count" | "number") = (declared.range.split_once(".."), declared.kind) {
        let bound = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
        schema["minimum"] = bound(low);
        schema["maximum"] = bound(high);
    }
    let plain = matches!(declared.kind, "count" | "number" | "flag");
    let default = serde_json::from_str(declared.default).ok().filter(|_| plain);
    schema["default"] = default.unwrap_or_else(|| json!(declared.default));
    let range = if declared.range.is_empty() { String::new() } else { format!(" Range: {}.", declared.range) };
    let confidence = in_words(declared.confidence);
    schema["description"] = json!(format!("{}{range} Source ({confidence}): {}.", declared.governs, declared.source));
    schema
}
