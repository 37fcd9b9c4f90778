//! Every route: its path, methods, scope and query. The one place of route names.

use crate::space_name::SpaceName;
use crate::token::Scope;

/// A path that names something served. Spaces in it are valid names, not known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'p> {
    /// `GET /v1/spaces/{space}/config`: the value as this isolate's reader sees it.
    Config {
        /// The space's name.
        space: &'p str,
    },
    /// `GET /v1/spaces/{space}/snapshot`: the head, from the object.
    Snapshot {
        /// The space's name.
        space: &'p str,
    },
    /// `GET /v1/spaces/{space}/status`: head, source health, schedule, settings, counters.
    Status {
        /// The space's name.
        space: &'p str,
    },
    /// `POST /v1/spaces/{space}/reload`: refresh now.
    Reload {
        /// The space's name.
        space: &'p str,
    },
    /// `GET /metrics`: Prometheus text.
    Metrics,
    /// `GET /healthz`: alive.
    Healthz,
    /// `GET /readyz`: a valid snapshot or base can be served.
    Readyz,
}

const SPACES: &str = "/v1/spaces/";
const CONFIG: &str = "config";
const SNAPSHOT: &str = "snapshot";
const STATUS: &str = "status";
const RELOAD: &str = "reload";
const METRICS: &str = "/metrics";
const HEALTHZ: &str = "/healthz";
const READYZ: &str = "/readyz";

/// The query name of `config` that picks one value, an RFC 6901 pointer.
pub const POINTER_QUERY: &str = "pointer";
/// The query name of lists: how many entries at most.
pub const LIMIT_QUERY: &str = "limit";
/// The query name of lists: only entries with a smaller number.
pub const BEFORE_QUERY: &str = "before";
/// The query name of `document`: when it shall be adopted, an RFC 3339 time.
pub const ACTIVATE_AT_QUERY: &str = "activate_at";
/// The query name of `document`: after what time it shall be adopted, a duration.
pub const ACTIVATE_IN_QUERY: &str = "activate_in";

impl<'p> Route<'p> {
    /// The route of a path, exactly as spelled: no trailing slash, no percent-encoding, no other
    /// case. Allocates nothing.
    pub fn parse(path: &'p str) -> Option<Route<'p>> {
        match path {
            METRICS => return Some(Route::Metrics),
            HEALTHZ => return Some(Route::Healthz),
            READYZ => return Some(Route::Readyz),
            _ => {}
        }
        let (space, leaf) = path.strip_prefix(SPACES)?.split_once('/')?;
        if !SpaceName::is_valid(space) {
            return None;
        }
        match leaf {
            CONFIG => Some(Route::Config { space }),
            SNAPSHOT => Some(Route::Snapshot { space }),
            STATUS => Some(Route::Status { space }),
            RELOAD => Some(Route::Reload { space }),
            _ => None,
        }
    }

    /// The route's name in logs and metrics; never holds anything from the request.
    pub const fn name(&self) -> &'static str {
        match self {
            Route::Config { .. } => "config",
            Route::Snapshot { .. } => "snapshot",
            Route::Status { .. } => "status",
            Route::Reload { .. } => "reload",
            Route::Metrics => "metrics",
            Route::Healthz => "healthz",
            Route::Readyz => "readyz",
        }
    }

    /// The space in the path.
    pub const fn space(&self) -> Option<&'p str> {
        match self {
            Route::Config { space }
            | Route::Snapshot { space }
            | Route::Status { space }
            | Route::Reload { space } => Some(space),
            Route::Metrics | Route::Healthz | Route::Readyz => None,
        }
    }

    /// The methods it takes.
    pub const fn methods(&self) -> &'static [&'static str] {
        match self {
            Route::Reload { .. } => &["POST", "OPTIONS"],
            _ => &["GET", "HEAD", "OPTIONS"],
        }
    }

    /// The value of `Allow`: [`Route::methods`] as one text.
    pub const fn allow(&self) -> &'static str {
        match self {
            Route::Reload { .. } => "POST, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether it takes the method, spelled in upper case as HTTP has it.
    pub fn allows(&self, method: &str) -> bool {
        self.methods().contains(&method)
    }

    /// The scope a token needs; `None` where no token is.
    pub const fn scope(&self) -> Option<Scope> {
        match self {
            Route::Reload { .. } => Some(Scope::Reload),
            Route::Healthz | Route::Readyz => None,
            _ => Some(Scope::Read),
        }
    }

    /// The query names it knows, for [`crate::query::refuse_unknown`].
    pub const fn query_names(&self) -> &'static [&'static str] {
        match self {
            Route::Config { .. } => &[POINTER_QUERY],
            _ => &[],
        }
    }

    /// The path that [`Route::parse`] takes back.
    pub fn path(&self) -> String {
        match self {
            Route::Config { space } => space_path(space, CONFIG),
            Route::Snapshot { space } => space_path(space, SNAPSHOT),
            Route::Status { space } => space_path(space, STATUS),
            Route::Reload { space } => space_path(space, RELOAD),
            Route::Metrics => METRICS.to_owned(),
            Route::Healthz => HEALTHZ.to_owned(),
            Route::Readyz => READYZ.to_owned(),
        }
    }
}

/// The path of a space's snapshot, which readers fetch.
pub fn snapshot_path(space: &SpaceName) -> String {
    space_path(space.as_str(), SNAPSHOT)
}

/// The path of a space's status.
pub fn status_path(space: &SpaceName) -> String {
    space_path(space.as_str(), STATUS)
}

/// The path of a space's reload.
pub fn reload_path(space: &SpaceName) -> String {
    space_path(space.as_str(), RELOAD)
}

fn space_path(space: &str, leaf: &str) -> String {
    format!("{SPACES}{space}/{leaf}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const ROUTES: [(&str, Route<'static>, &str, Option<Scope>); 7] = [
        (
            "/v1/spaces/default/config",
            Route::Config { space: "default" },
            "GET, HEAD, OPTIONS",
            Some(Scope::Read),
        ),
        (
            "/v1/spaces/default/snapshot",
            Route::Snapshot { space: "default" },
            "GET, HEAD, OPTIONS",
            Some(Scope::Read),
        ),
        (
            "/v1/spaces/a/status",
            Route::Status { space: "a" },
            "GET, HEAD, OPTIONS",
            Some(Scope::Read),
        ),
        (
            "/v1/spaces/a-b/reload",
            Route::Reload { space: "a-b" },
            "POST, OPTIONS",
            Some(Scope::Reload),
        ),
        (
            "/metrics",
            Route::Metrics,
            "GET, HEAD, OPTIONS",
            Some(Scope::Read),
        ),
        ("/healthz", Route::Healthz, "GET, HEAD, OPTIONS", None),
        ("/readyz", Route::Readyz, "GET, HEAD, OPTIONS", None),
    ];

    #[test]
    fn every_route_as_documented() {
        for (path, route, allow, scope) in ROUTES {
            assert_eq!(Route::parse(path), Some(route), "{path}");
            assert_eq!(route.path(), path);
            assert_eq!(route.allow(), allow, "{path}");
            assert_eq!(route.methods().join(", "), allow, "{path}");
            assert_eq!(route.scope(), scope, "{path}");
            for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "get", ""] {
                let listed = allow.split(", ").any(|allowed| allowed == method);
                assert_eq!(route.allows(method), listed, "{path} {method}");
            }
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
            "/v1/spaces",
            "/v1/spaces/",
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

    #[test]
    fn builders_and_parsing_agree() {
        let space = SpaceName::parse("edge-1").unwrap();
        for (path, route) in [
            (snapshot_path(&space), Route::Snapshot { space: "edge-1" }),
            (status_path(&space), Route::Status { space: "edge-1" }),
            (reload_path(&space), Route::Reload { space: "edge-1" }),
        ] {
            assert_eq!(Route::parse(&path), Some(route));
            assert_eq!(route.space(), Some("edge-1"));
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_is_spelled_so(path in "/v1/spaces/[a-z%./_-]{0,6}/(config|status|reload|x)/?") {
            if let Some(route) = Route::parse(&path) {
                prop_assert_eq!(route.path(), path);
            }
        }
    }
}
