//! An API held against its OpenAPI description, by the tools of others.
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::paths::Paths;
use crate::workerd::Address;

/// One request that schemathesis made, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The answer's status.
    pub status: u16,
}

const DESCRIPTION: &str = "openapi.json";
const EXCHANGES: &str = "exchanges.har";

/// Lets openapi-spec-validator judge a description; gives what it says when it finds fault.
///
/// # Errors
/// What the tool says when the description is not valid OpenAPI.
pub fn check_description(description: &str) -> Result<(), String> {
    let folder = folder_with(description);
    let mut command = Command::new(Paths::get().openapi_spec_validator());
    let output = command.arg(DESCRIPTION).current_dir(folder.path()).output();
    judged(&output.unwrap()).map(drop)
}

/// Lets schemathesis try the service against the description, with tests/openapi/schemathesis.toml, and gives all that
/// it asked. It takes up to a minute; the servers that the test plays go on meanwhile.
///
/// # Errors
/// What the tool says when the service does not keep to the description: each fault with a request that shows it.
pub async fn check_service(
    description: &str,
    service: &Address,
    token: &str,
) -> Result<Vec<Exchange>, String> {
    let folder = folder_with(description);
    let config = Paths::get().root().join("tests/openapi");
    let mut command = Command::new(Paths::get().schemathesis());
    command
        .env("SCHEMATHESIS_HOOKS", config.join("hooks.py"))
        .arg("--config-file")
        .arg(config.join("schemathesis.toml"))
        .args(["run", DESCRIPTION, "--url", &service.url("")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--report", "har", "--report-har-path", EXCHANGES])
        .args(["--checks", "all", "--no-color"])
        .current_dir(folder.path());
    // The servers that the test plays run on this thread.
    let output = tokio::task::spawn_blocking(move || command.output());
    judged(&output.await.unwrap().unwrap())?;
    Ok(exchanges(&folder.path().join(EXCHANGES)))
}

impl Exchange {
    /// Whether this asked for the operation at a path of the description, `{…}` standing for any one part.
    pub fn is_of(&self, method: &str, template: &str) -> bool {
        let (mut asked, mut parts) = (self.path.split('/'), template.split('/'));
        let fits = parts.all(|part| {
            asked
                .next()
                .is_some_and(|it| part.starts_with('{') || part == it)
        });
        self.method.eq_ignore_ascii_case(method) && fits && asked.next().is_none()
    }
}

fn folder_with(description: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DESCRIPTION), description).unwrap();
    folder
}

fn judged(output: &Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(text(&output.stdout) + &text(&output.stderr))
}

fn exchanges(har: &Path) -> Vec<Exchange> {
    let har: Value = serde_json::from_slice(&std::fs::read(har).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries
        .iter()
        .map(|entry| {
            let url = reqwest::Url::parse(&text(&entry["request"]["url"])).unwrap();
            Exchange {
                method: text(&entry["request"]["method"]),
                path: url.path().to_owned(),
                status: entry["response"]["status"]
                    .as_u64()
                    .unwrap()
                    .try_into()
                    .unwrap(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::deployment::{Deployment, OPERATOR_SECRET};

    /// What `/healthz` and `/readyz` answer, but for the kind of `status`.
    fn description(kind: &str) -> String {
        let answer = json!({ "description": "The state.", "content": { "application/json": { "schema": {
            "type": "object", "required": ["status"], "properties": { "status": { "type": kind } },
        } } } });
        let get =
            |name: &str| json!({ "get": { "operationId": name, "responses": { "200": answer } } });
        let description = json!({
            "openapi": "3.1.0", "info": { "title": "A part of the API", "version": "1" },
            "paths": { "/healthz": get("healthz"), "/readyz": get("readyz") },
        });
        description.to_string()
    }

    #[test]
    fn a_description_is_judged() {
        assert_eq!(check_description(&description("string")), Ok(()));
        let said = check_description(&description("stringg")).unwrap_err();
        assert!(said.contains("stringg"), "{said}");
    }

    #[tokio::test]
    async fn a_service_is_judged() {
        let (workerd, _) = Deployment::coordinator().start();
        let service = workerd.address();
        let true_one = description("string");
        let asked = check_service(&true_one, &service, OPERATOR_SECRET)
            .await
            .unwrap();
        let answered = |method, path, status| {
            asked
                .iter()
                .any(|it| it.is_of(method, path) && it.status == status)
        };
        assert!(
            answered("GET", "/healthz", 200) && answered("GET", "/{any}", 200),
            "{asked:?}"
        );
        assert!(answered("DELETE", "/readyz", 405), "{asked:?}");
        assert!(!answered("GET", "/healthz/{more}", 200) && !answered("GET", "/", 200));

        let lie = description("integer");
        let said = check_service(&lie, &service, OPERATOR_SECRET)
            .await
            .unwrap_err();
        assert!(
            said.contains("GET /healthz") && said.contains("integer"),
            "{said}"
        );
    }
}
