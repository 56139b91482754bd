//! The JSON schema: it accepts what loads, refuses what is misspelt, and describes every key and parameter.

use scenarios::{library, schema};
use serde_json::{Value, json};

const EVERYTHING: &str = include_str!("data/everything.toml");

/// A TOML text as JSON.
fn json_of(text: &str) -> Value {
    fn value(value: toml::de::DeValue<'_>) -> Value {
        use toml::de::DeValue;
        match value {
            DeValue::String(text) => json!(text),
            DeValue::Integer(number) => json!(number.as_str().parse::<i64>().expect("small")),
            DeValue::Float(number) => json!(number.as_str().parse::<f64>().expect("plain")),
            DeValue::Boolean(flag) => json!(flag),
            DeValue::Datetime(date) => json!(date.to_string()),
            DeValue::Array(items) => items.into_iter().map(|item| value_of(item.into_inner())).collect(),
            DeValue::Table(table) => table
                .into_iter()
                .map(|(key, item)| (key.into_inner().into_owned(), value_of(item.into_inner())))
                .collect(),
        }
    }
    fn value_of(item: toml::de::DeValue<'_>) -> Value {
        value(item)
    }
    value(toml::de::DeValue::Table(toml::de::DeTable::parse(text).expect("TOML").into_inner()))
}

/// What the schema objects to, by the keywords that it uses; patterns are left to a real validator.
fn objections(schema: &Value, root: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(&reference[1..]).expect("a reference of the schema");
        return objections(target, root, value, at);
    }
    let mut found = Vec::new();
    if let Some(choices) = schema["anyOf"].as_array() {
        let tries = choices.iter().map(|choice| objections(choice, root, value, at));
        found.extend(tries.min_by_key(Vec::len).unwrap_or_default());
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !types.is_empty() && !types.iter().any(|wanted| is_of(value, wanted)) {
        found.push(format!("{at}: not {types:?}"));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{at}: not allowed"));
    }
    if let (Some(number), Some(least)) = (value.as_f64(), schema["minimum"].as_f64()) {
        found.extend((number < least).then(|| format!("{at}: too small")));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(objections(&schema["items"], root, item, &format!("{at}[{index}]")));
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        found.extend(
            value
                .is_object()
                .then_some(())
                .filter(|()| value.get(key).is_none())
                .map(|()| format!("{at}.{key}: missing")),
        );
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{at}: unknown")),
            (Value::Null, others) => found.extend(objections(others, root, item, &at)),
            (known, _) => found.extend(objections(known, root, item, &at)),
        }
    }
    found
}

fn is_of(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn refused(text: &str) -> Vec<String> {
    let schema = schema();
    objections(&schema, &schema, &json_of(text), "")
}

#[test]
fn the_schema_accepts_the_library_and_a_file_with_every_key() {
    for text in library().iter().map(|built_in| built_in.text).chain([EVERYTHING]) {
        assert_eq!(refused(text), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_unknown_keys_at_every_depth_and_wrong_types() {
    for (right, wrong) in [
        ("warm_up = ", "warmup = "),
        ("spot = ", "spots = "),
        ("ttl = ", "tll = "),
        ("[parameters.dns]", "[parameters.dsn]"),
        ("replications = 3", "replications = \"3\""),
        ("replications = 3", "replications = 0"),
        ("class = \"ci\"", "class = \"bot\""),
        ("kind = \"etcd.member_loss\"", "kind = \"etcd.loss\""),
        ("nlb.cross_zone = true", "nlb.cross_zone = 1"),
    ] {
        assert!(EVERYTHING.contains(right), "{right}");
        assert!(!refused(&EVERYTHING.replacen(right, wrong, 1)).is_empty(), "{wrong}");
    }
}

#[test]
fn the_schema_describes_every_parameter_with_its_default() {
    let schema = schema();
    for declared in sim_eks::DECLARATIONS {
        let (group, name) = declared.path.split_once('.').expect("group and name");
        let parameter = &schema["properties"]["parameters"]["properties"][group]["properties"][name];
        assert!(
            parameter["description"].as_str().is_some_and(|text| text.starts_with(declared.governs)),
            "{}",
            declared.path
        );
        assert!(!parameter["default"].is_null(), "{}", declared.path);
    }
}
