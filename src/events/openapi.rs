//! The description of the API, as an OpenAPI 3.1 document and as rows of a page.
//!
//! - Lengths and limits are the constants that requests are validated with.
//! - Each operation lists every status that it may return. `tests` and the fuzzer of `scripts/test` check
//!   that.

use serde_json::{Map, Value, json};

use super::model::{LONGEST, LONGEST_DESCRIPTION, Range};
use crate::site::problem::PROBLEM;

/// Statuses that every operation may return.
const ALWAYS: [&str; 2] = ["421", "503"];

/// Statuses that a read may return besides 200.
const READ: [&str; 3] = ["304", "412", "416"];

/// Statuses with which a write may be refused.
const WRITE: [&str; 2] = ["401", "403"];

/// Statuses with which a body may be refused.
const BODY: [&str; 4] = ["400", "413", "415", "422"];

/// Returns the OpenAPI document.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Larder’s tastings",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Tastings and their guests. Tastings can be read by everybody; where the shop has \
                            staff, guests and all writes need a token (larder account token). Members of a body that are not \
                            named here are ignored. A date stays a date; a date-time goes out in UTC.",
        },
        "paths": {
            "/api/events": collection("event", "Event", "NewEvent", json!([limit(), offset()])),
            "/api/events/{id}": member("event", "Event", "NewEvent"),
            "/api/guests":
                collection("guest", "Guest", "NewGuest", json!([limit(), offset(), of_event()])),
            "/api/guests/{id}": member("guest", "Guest", "NewGuest"),
        },
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn collection(noun: &str, schema: &str, new: &str, parameters: Value) -> Value {
    let list = format!("{schema}List");
    let mut paths = json!({
        "get": {
            "operationId": format!("list_{noun}s"),
            "summary": format!("List {noun}s, in the order in which they were added"),
            "parameters": parameters,
            "responses":
                responses("200", "One page of the list", Some(&list), &[&READ[..], &ALWAYS, &["400", "422"]]),
        },
        "post": {
            "operationId": format!("create_{noun}"),
            "summary": format!("Create {} {noun}", article(noun)),
            "security": [{}, { "token": [] }],
            "requestBody": body(new),
            "responses":
                responses("201", "Created (see Location)", Some(schema), &[&WRITE[..], &BODY, &ALWAYS]),
        },
    });
    guard(noun, &mut paths["get"]);
    paths
}

fn member(noun: &str, schema: &str, new: &str) -> Value {
    let may = ["404", "412"];
    let mut paths = json!({
        "parameters": [{
            "name": "id", "in": "path", "required": true,
            "schema": { "type": "integer", "format": "int64", "minimum": 1 },
        }],
        "get": {
            "operationId": format!("show_{noun}"),
            "summary": format!("Get {} {noun}", article(noun)),
            "responses": responses("200", "Current representation", Some(schema), &[&["404"], &READ[..], &ALWAYS]),
        },
        "put": {
            "operationId": format!("replace_{noun}"),
            "summary": format!("Replace {} {noun}", article(noun)),
            "security": [{}, { "token": [] }],
            "parameters": [if_match()],
            "requestBody": body(new),
            "responses":
                responses("200", "Current representation", Some(schema), &[&may[..], &WRITE, &BODY, &ALWAYS]),
        },
        "delete": {
            "operationId": format!("delete_{noun}"),
            "summary": match noun {
                "event" => "Delete an event and its guests".to_owned(),
                _ => format!("Delete a {noun}"),
            },
            "security": [{}, { "token": [] }],
            "parameters": [if_match()],
            "responses": responses("204", "Deleted", None, &[&may[..], &WRITE, &ALWAYS]),
        },
    });
    guard(noun, &mut paths["get"]);
    paths
}

/// Documents that reads of guests may need a token: names and addresses are personal data.
fn guard(noun: &str, read: &mut Value) {
    if noun == "guest" {
        read["security"] = json!([{}, { "token": [] }]);
        let refusal = responses("401", meaning("401"), None, &[&["401"]]);
        read["responses"]["401"] = refusal["401"].clone();
    }
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with('e') { "an" } else { "a" }
}

fn body(schema: &str) -> Value {
    json!({
        "required": true,
        "content": { "application/json": { "schema": reference(schema) } },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// Builds the responses of an operation: the successful one, and the problems.
fn responses(status: &str, told: &str, schema: Option<&str>, problems: &[&[&str]]) -> Value {
    let mut good = json!({ "description": told });
    if let Some(schema) = schema {
        good["content"] = json!({ "application/json": { "schema": reference(schema) } });
        good["headers"] = json!({
            "ETag": { "description": "Entity tag of this representation; for If-Match.", "schema": { "type": "string" } },
        });
    }
    let mut all = Map::from_iter([(status.to_owned(), good)]);
    for problem in problems.iter().copied().flatten() {
        let told = meaning(problem);
        let answer = match *problem {
            "304" => json!({ "description": told }),
            _ => json!({
                "description": told,
                "content": { PROBLEM: { "schema": reference("Problem") } },
            }),
        };
        all.insert((*problem).to_owned(), answer);
    }
    Value::Object(all)
}

fn meaning(status: &str) -> &'static str {
    match status {
        "304" => "Not modified: If-None-Match matches",
        "400" => "The body is not a JSON object, or not UTF-8",
        "401" => "Token required",
        "403" => "Forbidden, or forbidden for this client",
        "404" => "Not found",
        "412" => "If-Match does not match the current version",
        "413" => "Content too large",
        "415" => "Content-Type must be application/json",
        "416" => "Range not satisfiable",
        "421" => "Unknown host",
        "422" => "Some fields are invalid; errors has a sentence for each",
        _ => "Service busy, or database unavailable",
    }
}

fn limit() -> Value {
    json!({
        "name": "limit", "in": "query",
        "description": format!("Page size, max {} (capped).", Range::MOST),
        "schema": { "type": "integer", "minimum": 1, "default": Range::USUAL },
    })
}

fn offset() -> Value {
    json!({
        "name": "offset", "in": "query", "description": "Number of items to skip.",
        "schema": { "type": "integer", "minimum": 0, "default": 0 },
    })
}

fn of_event() -> Value {
    json!({
        "name": "event", "in": "query", "description": "Only the guests of this event.",
        "schema": { "type": "integer", "format": "int64", "minimum": 1 },
    })
}

fn if_match() -> Value {
    json!({
        "name": "If-Match", "in": "header",
        "description": "The ETag of the current version; if it does not match, nothing is changed.",
        "schema": { "type": "string" }, "example": "*",
    })
}

fn schemas() -> Value {
    let line = json!({ "type": "string", "minLength": 1, "maxLength": LONGEST });
    let email =
        json!({ "type": "string", "format": "email", "minLength": 3, "maxLength": LONGEST });
    let description = json!({ "type": "string", "maxLength": LONGEST_DESCRIPTION, "default": "" });
    let date = json!({
        "type": "string",
        "anyOf": [{ "format": "date" }, { "format": "date-time" }],
        "examples": ["2026-12-24", "2026-12-24T18:00:00+01:00"],
    });
    let id = json!({ "type": "integer", "format": "int64", "minimum": 1 });
    let object = |required: Value, properties: Value| {
        json!({
            "type": "object", "required": required, "properties": properties,
            "additionalProperties": true,
        })
    };
    json!({
        "NewEvent": object(json!(["name", "date", "location"]), json!({
            "name": line, "date": date, "location": line, "description": description,
        })),
        "Event": object(json!(["id", "name", "date", "location", "description"]), json!({
            "id": id, "name": line, "date": date, "location": line, "description": description,
        })),
        "NewGuest": object(json!(["event", "name", "email"]), json!({
            "event": id, "name": line, "email": email,
        })),
        "Guest": object(json!(["id", "event", "name", "email"]), json!({
            // Addresses that other programs stored may be malformed, so there is no format.
            "id": id, "event": reference("Event"), "name": line, "email": line,
        })),
        "EventList": list_of("Event"),
        "GuestList": list_of("Guest"),
        "Problem": object(json!(["status", "title", "detail"]), json!({
            "status": { "type": "integer" },
            "title": { "type": "string" },
            "detail": { "type": "string" },
            "errors": { "type": "object", "additionalProperties": { "type": "string" } },
        })),
    })
}

fn list_of(schema: &str) -> Value {
    let link = json!({ "type": ["string", "null"], "format": "uri-reference" });
    json!({
        "type": "object",
        "required": ["count", "next", "previous", "results"],
        "properties": {
            "count": { "type": "integer", "minimum": 0 },
            "next": link,
            "previous": link,
            "results":
                { "type": "array", "maxItems": Range::MOST, "items": reference(schema) },
        },
        "additionalProperties": false,
    })
}

/// One operation of the API, for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, such as `/api/events/{id}`.
    pub path: String,
    /// What the operation does.
    pub summary: String,
    /// Its parameters and fields: the name, and what is allowed there.
    pub takes: Vec<(String, String)>,
    /// Its responses: the status, and what it means.
    pub answers: Vec<(String, String)>,
}

/// Returns the operations of a document, in its order.
pub fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for method in ["get", "post", "put", "delete"] {
            if let Some(operation) = methods.get(method) {
                operations.push(read(document, path, method, operation));
            }
        }
    }
    operations
}

fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|one| {
        let place = if one["in"] == "header" { "header" } else { "parameter" };
        (text(&one["name"]), format!("{place}. {}", text(&one["description"])))
    });
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let name = schema.as_str().and_then(|at| at.rsplit('/').next()).unwrap_or_default();
    let schema = &document["components"]["schemas"][name];
    let is_required = |field: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == field))
    };
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields = fields.map(|(field, schema)| {
        let need = if is_required(field) { "" } else { ", optional" };
        (field.clone(), format!("{}{need}", described(schema)))
    });
    let answers = operation["responses"].as_object().into_iter().flatten();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        takes: parameters.chain(fields).collect(),
        answers: answers.map(|(status, one)| (status.clone(), text(&one["description"]))).collect(),
    }
}

/// Describes a field: `text, at most 255 characters`.
fn described(schema: &Value) -> String {
    let kind = match schema["type"].as_str() {
        Some("string") => "text",
        Some("integer") => "whole number",
        _ => "object",
    };
    let format =
        schema["format"].as_str().or(schema["anyOf"].as_array().map(|_| "date or date-time"));
    let format = format.filter(|format| *format != "int64");
    let format = format.map_or_else(String::new, |format| format!(", {format}"));
    let longest = schema["maxLength"].as_u64();
    let longest = longest.map_or_else(String::new, |most| format!(", at most {most} characters"));
    format!("{kind}{format}{longest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page_with_what_it_takes_and_answers() {
        let operations = operations(&document());
        assert_eq!(operations.len(), 10);
        let replace = operations.iter().find(|one| one.method == "PUT").unwrap();
        let takes: Vec<_> = replace.takes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(takes, ["If-Match", "date", "description", "location", "name"]);
        assert!(replace.answers.iter().any(|(status, _)| status == "412"));
    }
}
