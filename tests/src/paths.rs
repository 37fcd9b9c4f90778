//! Where the built Worker and the tools are.
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The built Worker and the tools the tests drive. Each is taken from its environment variable or else from
/// the place where the project's set-up leaves it; a missing one stops the test with one line: nothing is skipped.
#[derive(Debug)]
pub struct Paths {
    root: PathBuf,
}

impl Paths {
    /// The one set of paths of this run.
    pub fn get() -> &'static Self {
        static PATHS: OnceLock<Paths> = OnceLock::new();
        PATHS.get_or_init(|| Self {
            root: Path::new(env!("CARGO_MANIFEST_DIR"))
                .parent()
                .expect("tests/ has a parent")
                .to_owned(),
        })
    }

    /// The project's root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The workerd binary (`BELLWETHER_WORKERD`).
    pub fn workerd(&self) -> PathBuf {
        let package = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("macos", "aarch64") => "workerd-darwin-arm64",
            ("macos", _) => "workerd-darwin-64",
            (_, "aarch64") => "workerd-linux-arm64",
            _ => "workerd-linux-64",
        };
        let fallback = format!("node_modules/@cloudflare/{package}/bin/workerd");
        self.find("BELLWETHER_WORKERD", &[&fallback])
    }

    /// worker-build's output folder (`BELLWETHER_BUILD`).
    pub fn build(&self) -> PathBuf {
        self.find("BELLWETHER_BUILD", &["build"])
    }

    /// The same of tests/panicker.
    pub fn panicker_build(&self) -> PathBuf {
        self.must("the panicker's build", self.root.join("target/panicker"))
    }

    /// The same of examples/follower (`BELLWETHER_FOLLOWER_BUILD`).
    pub fn follower_build(&self) -> PathBuf {
        self.find("BELLWETHER_FOLLOWER_BUILD", &["target/follower"])
    }

    /// The same of its twin in TypeScript (`BELLWETHER_TYPESCRIPT_FOLLOWER_BUILD`).
    pub fn typescript_follower_build(&self) -> PathBuf {
        let fallback = ["target/follower-ts"];
        self.find("BELLWETHER_TYPESCRIPT_FOLLOWER_BUILD", &fallback)
    }

    /// The folder of the example that follows.
    pub fn follower(&self) -> PathBuf {
        self.example("follower")
    }

    /// The folder of the example of this name.
    pub fn example(&self, name: &str) -> PathBuf {
        self.must("the example", self.root.join("examples").join(name))
    }

    /// What it is built to.
    pub fn example_build(&self, name: &str) -> PathBuf {
        self.must("make test builds it", self.root.join("target").join(name))
    }

    /// A file of the reader for TypeScript Workers; its `dist/` is built by `scripts/build-clients.sh`.
    pub fn client(&self, file: &str) -> PathBuf {
        self.must(
            "make test builds it",
            self.root.join("clients/ts").join(file),
        )
    }

    /// The project's wrangler.toml.
    pub fn wrangler_toml(&self) -> PathBuf {
        self.must("wrangler.toml", self.root.join("wrangler.toml"))
    }

    /// wrangler's command-line script (`BELLWETHER_WRANGLER`).
    pub fn wrangler(&self) -> PathBuf {
        let fallback = [
            "node_modules/wrangler/bin/wrangler.js",
            "node_modules/.bin/wrangler",
        ];
        self.find("BELLWETHER_WRANGLER", &fallback)
    }

    /// The Node that wrangler runs on (`BELLWETHER_NODE`): npm's own `node` package first, then the machine's.
    pub fn node(&self) -> PathBuf {
        let fallback = ["node_modules/node/bin/node", "node_modules/.bin/node"];
        self.find_or_on_path("BELLWETHER_NODE", &fallback, "node")
    }

    /// Prometheus's promtool (`BELLWETHER_PROMTOOL`).
    pub fn promtool(&self) -> PathBuf {
        self.find_or_on_path("BELLWETHER_PROMTOOL", &[".tools/bin/promtool"], "promtool")
    }

    /// schemathesis (`BELLWETHER_SCHEMATHESIS`).
    pub fn schemathesis(&self) -> PathBuf {
        self.find("BELLWETHER_SCHEMATHESIS", &[".tools/bin/schemathesis"])
    }

    /// openapi-spec-validator (`BELLWETHER_OPENAPI_SPEC_VALIDATOR`).
    pub fn openapi_spec_validator(&self) -> PathBuf {
        let fallback = [".tools/bin/openapi-spec-validator"];
        self.find("BELLWETHER_OPENAPI_SPEC_VALIDATOR", &fallback)
    }

    /// The JSON Schema Test Suite's folder for 2020-12 (`BELLWETHER_SCHEMA_SUITE`).
    pub fn schema_suite(&self) -> PathBuf {
        let fallback = ".tools/schema-suite/draft2020-12";
        self.find("BELLWETHER_SCHEMA_SUITE", &[fallback])
    }

    fn find(&self, variable: &str, fallback: &[&str]) -> PathBuf {
        if let Some(set) = std::env::var_os(variable) {
            return self.must(variable, PathBuf::from(set));
        }
        let candidates = fallback.iter().map(|relative| self.root.join(relative));
        candidates.clone().find(|path| path.exists()).unwrap_or_else(|| {
            panic!("{variable} is not set and {} does not exist: run `make test`, which does the set-up first",
                candidates.map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or "))
        })
    }

    fn find_or_on_path(&self, variable: &str, fallback: &[&str], program: &str) -> PathBuf {
        if std::env::var_os(variable).is_some() {
            return self.find(variable, fallback);
        }
        let installed = fallback
            .iter()
            .map(|relative| self.root.join(relative))
            .find(|path| path.exists());
        installed.or_else(|| on_path(program)).unwrap_or_else(|| {
            panic!("{variable} is not set and there is no {program} on the PATH: run `make test`, which does the set-up first")
        })
    }

    fn must(&self, what: &str, path: PathBuf) -> PathBuf {
        assert!(path.exists(), "{what}: {} does not exist", path.display());
        path
    }
}

/// The first `program` on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
