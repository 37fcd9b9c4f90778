//! The copy of the workspace: files that did not change keep their times, so that a build is quick.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::branches::Site;
use crate::read;

/// What a build of the simulator needs.
const NEEDED: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates",
    "migrations",
    "tests/simulation",
    "src",
];

/// Where decisions stand, below `crates/core/src`. Not parsers, settings, tokens, routes: no timing
/// and no fault reaches them; properties and boundaries are tested in `crates/core`.
const DECISIONS: [&str; 32] = [
    "coordinator/action.rs",
    "coordinator/alarms.rs",
    "coordinator/change.rs",
    "coordinator/commit.rs",
    "coordinator/denied.rs",
    "coordinator/mod.rs",
    "coordinator/open.rs",
    "coordinator/operate.rs",
    "coordinator/pending.rs",
    "coordinator/refresh.rs",
    "coordinator/settle.rs",
    "coordinator/status.rs",
    "coordinator/trigger.rs",
    "coordinator/write.rs",
    "fleet.rs",
    "fleet/report.rs",
    "fleet/table.rs",
    "freshness.rs",
    "guard.rs",
    "lease.rs",
    "reading.rs",
    "reading/colo.rs",
    "reading/colo_flow.rs",
    "reading/flow.rs",
    "reading/held.rs",
    "reading/minimum.rs",
    "reading/pending.rs",
    "reading/reply.rs",
    "reading/reporting.rs",
    "refresh.rs",
    "schedule.rs",
    "steady.rs",
];

pub(crate) struct Copy {
    into: PathBuf,
    files: BTreeMap<PathBuf, String>,
}

impl Copy {
    pub(crate) fn of_workspace(into: &Path) -> Result<Self, String> {
        let mut copy = Self {
            into: into.to_owned(),
            files: BTreeMap::new(),
        };
        for needed in NEEDED {
            copy.take(Path::new(needed))?;
        }
        // The other members are not built here.
        let manifest = copy
            .files
            .get_mut(Path::new("Cargo.toml"))
            .ok_or("there is no Cargo.toml here")?;
        let members = manifest
            .lines()
            .find(|line| line.starts_with("members = "))
            .ok_or("Cargo.toml has no members")?;
        let fewer = "members = [\".\", \"crates/core\", \"crates/reader\", \"tests/simulation\"]";
        *manifest = manifest.replace(members, fewer);
        Ok(copy)
    }

    pub(crate) fn change_core(
        &mut self,
        mut change: impl FnMut(&str, String) -> Result<String, String>,
    ) -> Result<(), String> {
        for file in DECISIONS {
            let source = self.core(file)?;
            *source = change(file, source.clone())?;
        }
        Ok(())
    }

    pub(crate) fn change_file(
        &mut self,
        file: &str,
        change: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<(), String> {
        let source = self.core(file)?;
        *source = change(source)?;
        Ok(())
    }

    /// The switches of defects and the counts of probes, as a module of the copied core.
    pub(crate) fn add_switches(&mut self, names: &[String], sites: &[Site]) -> Result<(), String> {
        let mut module = include_str!("switches.rs").to_owned();
        let _ = write!(
            module,
            "\n/// Every defect.\npub const DEFECTS: &[&str] = &{names:?};\n"
        );
        let _ = write!(
            module,
            "\nstatic HITS: [AtomicU64; {0}] = [const {{ AtomicU64::new(0) }}; {0}];\n",
            sites.len()
        );
        let _ = write!(
            module,
            "\n/// File, function, line and head of every branch.\npub const BRANCHES: &[(&str, &str, u32, &str)] = &[\n"
        );
        for site in sites {
            let _ = writeln!(
                module,
                "    ({:?}, {:?}, {}, {:?}),",
                site.file, site.function, site.line, site.head
            );
        }
        module += "];\n";
        self.files
            .insert("crates/core/src/laboratory.rs".into(), module);
        let library = self.core("lib.rs")?;
        *library = library.replace("pub mod lease;", "pub mod laboratory;\npub mod lease;");
        Ok(())
    }

    pub(crate) fn write(&self) -> Result<(), String> {
        for (path, text) in &self.files {
            let target = self.into.join(path);
            if std::fs::read_to_string(&target).is_ok_and(|there| there == *text) {
                continue;
            }
            let written = target.parent().map_or(Ok(()), std::fs::create_dir_all);
            let written = written.and_then(|()| std::fs::write(&target, text));
            written.map_err(|error| format!("{}: {error}", target.display()))?;
        }
        Ok(())
    }

    fn core(&mut self, file: &str) -> Result<&mut String, String> {
        let path = Path::new("crates/core/src").join(file);
        self.files
            .get_mut(&path)
            .ok_or_else(|| format!("there is no {}", path.display()))
    }

    fn take(&mut self, path: &Path) -> Result<(), String> {
        if path.is_file() {
            self.files.insert(path.to_owned(), read(path)?);
            return Ok(());
        }
        let entries =
            std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        for entry in entries {
            let entry = entry.map_err(|error| error.to_string())?;
            self.take(&entry.path())?;
        }
        Ok(())
    }
}
