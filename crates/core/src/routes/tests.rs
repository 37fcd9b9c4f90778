//! Routes, taken apart.

#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

/// Path, methods, and the scopes of its first and of its other methods.
const ROUTES: &[(&str, &str, Option<Scope>, Option<Scope>)] = &[
    ("/metrics", "GET, HEAD, OPTIONS", Some(Scope::Read), None),
    ("/healthz", "GET, HEAD, OPTIONS", None, None),
    ("/readyz", "GET, HEAD, OPTIONS", None, None),
    ("/openapi.json", "GET, HEAD, OPTIONS", None, None),
    ("/v1/spaces", "GET, HEAD, OPTIONS", Some(Scope::Read), None),
    (
        "/v1/spaces/a/config",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/snapshot",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/status",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a-b/reload",
        "POST, OPTIONS",
        Some(Scope::Reload),
        None,
    ),
    (
        "/v1/spaces/a/document",
        "GET, HEAD, PUT, PATCH, OPTIONS",
        Some(Scope::Read),
        Some(Scope::Publish),
    ),
    (
        "/v1/spaces/a/override",
        "GET, HEAD, PUT, DELETE, OPTIONS",
        Some(Scope::Read),
        Some(Scope::Publish),
    ),
    (
        "/v1/spaces/a/schema",
        "GET, HEAD, PUT, DELETE, OPTIONS",
        Some(Scope::Read),
        Some(Scope::Publish),
    ),
    (
        "/v1/spaces/a/schedule",
        "PUT, OPTIONS",
        Some(Scope::Publish),
        None,
    ),
    (
        "/v1/spaces/a/pin",
        "DELETE, OPTIONS",
        Some(Scope::Publish),
        None,
    ),
    (
        "/v1/spaces/a/versions",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/versions/12",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/versions/12/rollback",
        "POST, OPTIONS",
        Some(Scope::Publish),
        None,
    ),
    (
        "/v1/spaces/a/diff",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/explain",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/audit",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/audit/check",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/pending",
        "GET, HEAD, OPTIONS",
        Some(Scope::Read),
        None,
    ),
    (
        "/v1/spaces/a/pending/3",
        "DELETE, OPTIONS",
        Some(Scope::Publish),
        None,
    ),
];

#[test]
fn every_route_as_documented() {
    for (path, allow, scope, other) in ROUTES {
        let route = Route::parse(path).unwrap();
        assert_eq!(route.path(), *path);
        assert_eq!(route.allow(), *allow, "{path}");
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "",
        ] {
            let listed = allow.split(", ").any(|allowed| allowed == method);
            assert_eq!(route.allows(method), listed, "{path} {method}");
            if !listed || method == "OPTIONS" {
                continue;
            }
            let first = is_read(method) || other.is_none();
            let expected = if first { scope } else { other };
            assert_eq!(route.scope(method), *expected, "{path} {method}");
            let changes = matches!(route.scope(method), Some(Scope::Publish | Scope::Reload));
            assert_eq!(route.action(method).is_some(), changes, "{path} {method}");
        }
    }
}

#[test]
fn all_routes_are_listed_once() {
    let sorted = |routes: &mut dyn Iterator<Item = Route<'_>>| {
        let mut templates: Vec<String> = routes.map(|route| route.template()).collect();
        templates.sort();
        templates
    };
    let tabled = &mut ROUTES.iter().map(|(path, ..)| Route::parse(path).unwrap());
    assert_eq!(sorted(&mut Route::all()), sorted(tabled));
}

#[test]
fn templates_name_their_parameters() {
    for (path, template) in [
        ("/v1/spaces/a/config", "/v1/spaces/{space}/config"),
        (
            "/v1/spaces/a/versions/12",
            "/v1/spaces/{space}/versions/{version}",
        ),
        (
            "/v1/spaces/a/versions/12/rollback",
            "/v1/spaces/{space}/versions/{version}/rollback",
        ),
        ("/v1/spaces/a/pending/3", "/v1/spaces/{space}/pending/{id}"),
        ("/metrics", "/metrics"),
    ] {
        let route = Route::parse(path).unwrap();
        assert_eq!(route.template(), template);
        let named: Vec<&str> = template.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(route.parameters(), named, "{path}");
    }
}

#[test]
fn nothing_else_is_a_route() {
    let too_long = format!("/v1/spaces/{}/config", "a".repeat(65));
    for path in [
        "",
        "/",
        "metrics",
        "/metrics/",
        "/Metrics",
        "//metrics",
        "/metrics?x",
        "/healthz/x",
        "/v1",
        "/v1/spaces/",
        "/v1/spaces/default/versions/",
        "/v1/spaces/default/versions/0",
        "/v1/spaces/default/versions/01",
        "/v1/spaces/default/versions/+1",
        "/v1/spaces/default/versions/x",
        "/v1/spaces/default/versions/99999999999999999999",
        "/v1/spaces/default/versions/1/",
        "/v1/spaces/default/versions/1/rollback/",
        "/v1/spaces/default/versions/rollback",
        "/v1/spaces/default/pending/",
        "/v1/spaces/default/pending/{id}",
        "/v1/spaces/default/versions/{version}",
        "/v1/spaces/default/versions/{version}/rollback",
        "/v1/spaces/default/audit/",
        "/v1/spaces/default",
        "/v1/spaces/default/",
        "/v1/spaces/default/config/",
        "/v1/spaces/default/config/x",
        "/v1/spaces/default//config",
        "/v1/spaces//config",
        "/v1/spaces/Default/config",
        "/v1/spaces/%64efault/config",
        "/v1/spaces/default%2Fconfig",
        "/v1/spaces/default/conf%69g",
        "/v1/spaces/default/Config",
        "/v1/spaces/../config",
        "/v1/spaces/défaut/config",
        "/v2/spaces/default/config",
        "/V1/spaces/default/config",
        " /metrics",
        too_long.as_str(),
    ] {
        assert_eq!(Route::parse(path), None, "{path}");
    }
    let longest = format!("/v1/spaces/{}/config", "a".repeat(64));
    assert!(Route::parse(&longest).is_some());
}

proptest! {
    #[test]
    fn whatever_parses_is_spelled_so(path in "/v1/spaces/[a-z%./_-]{0,6}/(config|status|reload|x)/?") {
        if let Some(route) = Route::parse(&path) {
            prop_assert_eq!(route.path(), path);
        }
    }
}
