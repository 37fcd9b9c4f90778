//! Tokens and scopes: closed unless a token opens it, and no detail to whoever is refused.
use bellwether_tests::{Answer, Client, FakeKv, Token};
use reqwest::Method;
use serde_json::json;

use crate::support::{on_kv, quiet};

const READER: &str = "reader-secret-11d2";
const RELOADER: &str = "reloader-secret-93c4";

/// Every route that needs a token, with the scope that opens it.
const GUARDED: [(&str, &str, &str); 5] = [
    ("GET", "/v1/spaces/default/config", "read"),
    ("GET", "/v1/spaces/default/snapshot", "read"),
    ("GET", "/v1/spaces/default/status", "read"),
    ("GET", "/metrics", "read"),
    ("POST", "/v1/spaces/default/reload", "reload"),
];

async fn with_header(
    client: &Client,
    method: &str,
    path: &str,
    authorization: Option<&str>,
) -> Answer {
    let request = client
        .without_token()
        .request(method.parse::<Method>().unwrap(), path);
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    client.send(request).await.unwrap()
}

/// Refused without a word about why.
fn refused(answer: &Answer, status: u16) {
    let problem = answer.problem(status);
    for silent in ["detail", "errors"] {
        assert_eq!(problem.get(silent), None, "{problem}");
    }
    if status == 401 {
        assert!(
            answer
                .header("www-authenticate")
                .is_some_and(|value| value.starts_with("Bearer"))
        );
    }
}

#[tokio::test]
async fn without_any_token_configured_everything_is_closed() {
    let kv = FakeKv::start();
    for configured in [None, Some(""), Some("[]")] {
        let (_workerd, client) = on_kv(&kv, quiet(json!({}))).raw_tokens(configured).start();
        for (method, path, _) in GUARDED {
            for authorization in [
                None,
                Some("Bearer "),
                Some("Bearer x"),
                Some("Bearer [object Object]"),
            ] {
                refused(
                    &with_header(&client, method, path, authorization).await,
                    401,
                );
            }
        }
        for path in ["/healthz", "/readyz"] {
            assert_eq!(
                with_header(&client, "GET", path, None).await.status,
                200,
                "{path}"
            );
        }
    }
    assert_eq!(kv.count(), 0, "a refused request reaches no source");
}

#[tokio::test]
async fn a_malformed_secret_closes_everything() {
    let kv = FakeKv::start();
    let good = Token::new("reader", READER, &["read", "reload"]).entry();
    let mut short_digest = good.clone();
    short_digest["sha256"] = json!("abc");
    let mut unknown_scope = good.clone();
    unknown_scope["scopes"] = json!(["read", "admin"]);
    for secret in [
        "not json".to_owned(),
        good.to_string(),
        json!([good, short_digest]).to_string(),
        json!([unknown_scope]).to_string(),
        json!([good, good]).to_string(),
    ] {
        let (workerd, client) = on_kv(&kv, quiet(json!({})))
            .raw_tokens(Some(&secret))
            .start();
        for (method, path, _) in GUARDED {
            let authorization = format!("Bearer {READER}");
            refused(
                &with_header(&client, method, path, Some(&authorization)).await,
                401,
            );
        }
        drop(workerd);
    }
}

#[tokio::test]
async fn scopes_open_their_routes_and_no_other() {
    let kv = FakeKv::start();
    let tokens = [
        Token::new("reader", READER, &["read"]),
        Token::new("reloader", RELOADER, &["reload"]),
    ];
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).tokens(&tokens).start();
    for (method, path, scope) in GUARDED {
        for (secret, holds) in [(READER, "read"), (RELOADER, "reload")] {
            let answer =
                with_header(&client, method, path, Some(&format!("Bearer {secret}"))).await;
            if scope == holds {
                assert_eq!(
                    answer.status,
                    200,
                    "{method} {path} with {holds}: {}",
                    answer.text()
                );
            } else {
                refused(&answer, 403);
            }
        }
        for wrong in [None, Some("Bearer wrong-secret"), Some("Bearer reader")] {
            refused(&with_header(&client, method, path, wrong).await, 401);
        }
    }
}

#[tokio::test]
async fn malformed_headers_are_refused() {
    let kv = FakeKv::start();
    let reader = Token::new("reader", READER, &["read"]);
    let digest = reader.entry()["sha256"].as_str().unwrap().to_owned();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).tokens(&[reader]).start();
    let path = "/v1/spaces/default/config";
    for malformed in [
        READER.to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {READER}"),
        format!("Bearer{READER}"),
        format!("Bearer \"{READER}\""),
        format!("Bearer {READER} extra"),
        format!("Bearer {READER},"),
        format!("Bearer {digest}"),
        format!("Bearer {}", READER.to_uppercase()),
        format!("Bearer {}", "x".repeat(5_000)),
        format!("Token token={READER}"),
    ] {
        refused(
            &with_header(&client, "GET", path, Some(&malformed)).await,
            401,
        );
    }
    for well_formed in [
        format!("Bearer {READER}"),
        format!("bearer {READER}"),
        format!("BEARER  {READER}"),
    ] {
        let answer = with_header(&client, "GET", path, Some(&well_formed)).await;
        assert_eq!(answer.status, 200, "{well_formed}");
    }
}

#[tokio::test]
async fn a_refused_caller_learns_nothing_about_what_exists() {
    let kv = FakeKv::start();
    let (_workerd, client) = on_kv(&kv, quiet(json!({}))).start();
    let known = with_header(&client, "GET", "/v1/spaces/default/config", None).await;
    let unknown = with_header(&client, "GET", "/v1/spaces/elsewhere/config", None).await;
    refused(&known, 401);
    refused(&unknown, 401);
    assert_eq!(known.body, unknown.body);
}

#[tokio::test]
async fn reloads_carry_the_tokens_name_into_the_log() {
    let kv = FakeKv::start();
    let tokens = [Token::new("night-shift", RELOADER, &["reload"])];
    let (workerd, client) = on_kv(&kv, quiet(json!({}))).tokens(&tokens).start();
    client.with_token(RELOADER).reload().await;
    let event = crate::support::refreshed(workerd.logs(), 0, "adopted").await;
    assert_eq!(event["actor"], "night-shift", "{event}");
}
