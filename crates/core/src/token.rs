//! Tokens: who may do what. Only SHA-256 digests are ever held, and everything fails closed.

use serde::Serialize;
use serde_json::Value;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::names::TOKENS_SECRET;
use crate::settings::suggest;
use crate::strict;
use crate::version::ContentHash;

/// Longest presented token, in bytes; a longer one is refused without hashing it.
pub const MAX_TOKEN_BYTES: usize = 4_096;
/// Longest token name, in characters.
pub const MAX_TOKEN_NAME_CHARS: usize = 64;

/// What a token allows. No scope includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read configuration, status and metrics.
    Read,
    /// Force a refresh.
    Reload,
    /// Change what is served.
    Publish,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Reload, Scope::Publish];
    const NAMES: [&str; 3] = ["read", "reload", "publish"];

    /// The scope's name in the secret.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Reload => "reload",
            Scope::Publish => "publish",
        }
    }

    /// The scope of this name.
    pub fn parse(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Why a request may not go on. Tells the caller nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No `Authorization`, a malformed one, or a token that is not known.
    Unauthenticated,
    /// A known token without the scope.
    Forbidden,
}

impl Denied {
    /// The name used in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Denied::Unauthenticated => "unauthenticated",
            Denied::Forbidden => "forbidden",
        }
    }
}

/// The tokens of this Worker. Neither `Debug` nor [`Tokens::problem`] shows a digest.
#[derive(Default)]
pub struct Tokens {
    tokens: Vec<Token>,
    /// Why there are no tokens, where that is a mistake; says where, never what.
    pub problem: Option<String>,
}

struct Token {
    name: String,
    digest: ContentHash,
    scopes: Vec<Scope>,
}

impl Tokens {
    /// Reads the secret: a JSON array of `{name, sha256, scopes}`. Any mistake anywhere in it leaves
    /// no token at all and a `problem`, and so does a secret that is not set.
    pub fn parse(secret: Option<&str>) -> Tokens {
        let parsed = match secret {
            None => Err("is not set, so every route that needs a token is closed".to_owned()),
            Some(secret) => parse_all(secret),
        };
        match parsed {
            Ok(tokens) => Tokens {
                tokens,
                problem: None,
            },
            Err(problem) => Tokens {
                tokens: Vec::new(),
                problem: Some(format!("{TOKENS_SECRET} {problem}")),
            },
        }
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token, so that nothing can be authorised.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The name of the token in an `Authorization` header, if it has the scope.
    ///
    /// Compares digests, against every token and in constant time, so that the time taken tells
    /// nothing about any of them.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn authorise(&self, authorization: Option<&str>, needed: Scope) -> Result<&str, Denied> {
        match self.find(authorization)? {
            token if token.scopes.contains(&needed) => Ok(&token.name),
            _ => Err(Denied::Forbidden),
        }
    }

    /// The name of the token in an `Authorization` header, whatever its scopes: for the audit of
    /// what was refused, never to let anything pass.
    pub fn name_of(&self, authorization: Option<&str>) -> Option<&str> {
        self.find(authorization).ok().map(|token| &*token.name)
    }

    fn find(&self, authorization: Option<&str>) -> Result<&Token, Denied> {
        let presented = authorization
            .and_then(bearer)
            .ok_or(Denied::Unauthenticated)?;
        let digest = ContentHash::of(presented.as_bytes());
        let (mut found, mut place) = (Choice::from(0), 0_u64);
        for (index, token) in (0_u64..).zip(&self.tokens) {
            let equal = token.digest.as_bytes().ct_eq(digest.as_bytes());
            place.conditional_assign(&index, equal);
            found |= equal;
        }
        let token = usize::try_from(place)
            .ok()
            .and_then(|place| self.tokens.get(place));
        token
            .filter(|_| bool::from(found))
            .ok_or(Denied::Unauthenticated)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.tokens.iter().map(|token| &token.name);
        formatter.debug_list().entries(names).finish()
    }
}

/// The token of a `Bearer <token>` header. Two headers joined by a comma have a space inside, and
/// are refused.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim_matches(' ').split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    let right_size = (1..=MAX_TOKEN_BYTES).contains(&token.len());
    (scheme.eq_ignore_ascii_case("bearer") && plain && right_size).then_some(token)
}

fn parse_all(secret: &str) -> Result<Vec<Token>, String> {
    const EXPECTED: &str = "an array of {name, sha256, scopes}";
    // The reason's own text and pointer could quote the secret; its code cannot.
    let value = strict::parse(secret).map_err(|reason| format!("is not JSON: {}", reason.code))?;
    let entries = value
        .as_array()
        .ok_or_else(|| format!("is not {EXPECTED}"))?;
    let mut tokens: Vec<Token> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let token = parse_one(entry)
            .map_err(|(field, problem)| format!("at /{index}{field}: {problem}"))?;
        if tokens.iter().any(|other| other.digest == token.digest) {
            return Err(format!(
                "at /{index}/sha256: another token has the same digest"
            ));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// A mistake: the pointer of the field within the entry, and what is wrong.
type Mistake = (&'static str, String);

fn parse_one(entry: &Value) -> Result<Token, Mistake> {
    const FIELDS: [&str; 3] = ["name", "sha256", "scopes"];
    let Some(fields) = entry.as_object() else {
        return Err((
            "",
            "expected an object of name, sha256 and scopes".to_owned(),
        ));
    };
    if let Some(unknown) = fields
        .keys()
        .find(|field| !FIELDS.contains(&field.as_str()))
    {
        return Err((
            "",
            format!("unknown field: {}", suggest::hint(unknown, &FIELDS)),
        ));
    }
    let name = fields.get("name").and_then(Value::as_str).filter(|name| {
        let chars = name.chars().count();
        (1..=MAX_TOKEN_NAME_CHARS).contains(&chars) && !name.chars().any(char::is_control)
    });
    let name = name.ok_or_else(|| {
        (
            "/name",
            format!("expected 1 to {MAX_TOKEN_NAME_CHARS} characters without controls"),
        )
    })?;
    let digest = fields.get("sha256").and_then(Value::as_str);
    let digest = digest.and_then(|hex| ContentHash::from_hex(&hex.to_ascii_lowercase()));
    let digest = digest.ok_or_else(|| ("/sha256", "expected 64 hexadecimal digits".to_owned()))?;
    let scopes = fields
        .get("scopes")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    let scopes = scopes.ok_or_else(|| {
        (
            "/scopes",
            format!("expected a list of {}", suggest::one_of(&Scope::NAMES)),
        )
    })?;
    let scope = |scope: &Value| {
        let name = scope.as_str().unwrap_or_default();
        Scope::parse(name).ok_or_else(|| {
            (
                "/scopes",
                format!("unknown scope: {}", suggest::hint(name, &Scope::NAMES)),
            )
        })
    };
    let scopes = scopes.iter().map(scope).collect::<Result<_, _>>()?;
    Ok(Token {
        name: name.to_owned(),
        digest,
        scopes,
    })
}
