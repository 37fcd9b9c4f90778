//! workerd's own configuration language, as far as a Worker under test needs it.
use std::fmt::Write as _;
use std::path::Path;

/// A Worker's module: its name for imports, and the field of the config that says what it is.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
}

impl Module {
    /// Tells a module's kind from its file name; None for files that are not modules.
    pub(crate) fn from_file(name: &str) -> Option<Self> {
        let kind = match Path::new(name).extension()?.to_str()? {
            "js" | "mjs" => "esModule",
            "wasm" => "wasm",
            _ => return None,
        };
        Some(Self {
            name: name.to_owned(),
            kind,
        })
    }
}

/// What the config file says.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    /// The entry module first.
    pub(crate) modules: &'a [Module],
    /// The folder of the modules, relative to the config file.
    pub(crate) modules_folder: &'a str,
    pub(crate) compatibility_date: &'a str,
    pub(crate) compatibility_flags: &'a [String],
    /// Ready-made binding entries, see [`binding`].
    pub(crate) bindings: &'a [String],
    /// Names and addresses of HTTP services that bindings point at.
    pub(crate) externals: &'a [(String, String)],
    /// Whether `caches.default` is the service [`COLO`]; without it there is no cache.
    pub(crate) colo: bool,
    /// The Durable Object class, where the Worker has one.
    pub(crate) class: Option<&'a str>,
}

/// The Worker's own service and the socket it listens on.
pub(crate) const MAIN: &str = "main";
/// The service and the socket of a second script in the same process.
pub(crate) const NEIGHBOUR: &str = "neighbour";
/// The service that plays the data centre's cache.
pub(crate) const COLO: &str = "colo";
/// The folder, next to the config file, in which objects keep their databases.
pub(crate) const DISK: &str = "disk";
/// The folder in there, one for each class of objects.
pub(crate) const UNIQUE_KEY: &str = "bellwether";

impl Config<'_> {
    pub(crate) fn text(&self) -> String {
        self.text_with(None)
    }

    /// With another script beside it, which can be bound to this one.
    pub(crate) fn text_with(&self, neighbour: Option<&Config<'_>>) -> String {
        let mut services =
            vec!["(name = \"network\", network = (allow = [\"private\", \"public\"]))".to_owned()];
        let mut sockets = Vec::new();
        for (name, config) in [(MAIN, Some(self)), (NEIGHBOUR, neighbour)] {
            let Some(config) = config else { continue };
            services.extend(config.services(name));
            sockets.push(format!(
                "(name = {0}, address = \"127.0.0.1:0\", http = (), service = {0})",
                quoted(name)
            ));
        }
        format!(
            "using Workerd = import \"/workerd/workerd.capnp\";\n\
             const config :Workerd.Config = (\n services = {},\n sockets = {}\n);\n",
            list(services.into_iter()),
            list(sockets.into_iter()),
        )
    }

    /// The Worker under this name, and what its bindings point at.
    fn services(&self, name: &str) -> Vec<String> {
        let modules = list(self.modules.iter().map(|module| {
            let file = format!("{}/{}", self.modules_folder, module.name);
            format!(
                "(name = {}, {} = embed {})",
                quoted(&module.name),
                module.kind,
                quoted(&file)
            )
        }));
        let mut worker = format!(
            "modules = {modules}, compatibilityDate = {}, compatibilityFlags = {}, bindings = {}, globalOutbound = \"network\"",
            quoted(self.compatibility_date),
            list(self.compatibility_flags.iter().map(|flag| quoted(flag))),
            list(self.bindings.iter().cloned()),
        );
        if self.colo {
            let _ = write!(worker, ", cacheApiOutbound = {}", quoted(COLO));
        }
        let mut services = Vec::new();
        if let Some(class) = self.class {
            let _ = write!(
                worker,
                ", durableObjectNamespaces = [(className = {}, uniqueKey = {}, enableSql = true)], \
                 durableObjectStorage = (localDisk = {})",
                quoted(class),
                quoted(UNIQUE_KEY),
                quoted(DISK),
            );
            services.push(format!(
                "(name = {0}, disk = (path = {0}, writable = true))",
                quoted(DISK)
            ));
        }
        services.push(format!("(name = {}, worker = ({worker}))", quoted(name)));
        services.extend(self.externals.iter().map(|(name, address)| {
            format!(
                "(name = {}, external = (address = {}, http = ()))",
                quoted(name),
                quoted(address)
            )
        }));
        services
    }
}

/// A binding entry: `kind` is the field of the config (`text`, `json`, `kvNamespace`, `r2Bucket`, `durableObjectNamespace`).
pub(crate) fn binding(name: &str, kind: &str, value: &str) -> String {
    format!("(name = {}, {kind} = {})", quoted(name), quoted(value))
}

/// A binding to the object of another script, as wrangler's `script_name` makes one.
pub(crate) fn object_of(name: &str, class: &str, service: &str) -> String {
    format!(
        "(name = {}, durableObjectNamespace = (className = {}, serviceName = {}))",
        quoted(name),
        quoted(class),
        quoted(service)
    )
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(",\n  "))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\n' => quoted.push_str("\\n"),
            control if control.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
