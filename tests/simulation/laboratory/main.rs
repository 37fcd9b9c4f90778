//! `laboratory DIR`: copies the workspace's core and simulator to DIR and changes the copy, so that one
//! build of it can run with any of the listed defects, and tells which branches were reached. The
//! product's own sources know nothing of either.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: what cannot be must stop it"
)]

mod branches;
mod copy;

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;

/// `defects.toml`.
#[derive(Deserialize)]
struct Defects {
    defect: Vec<Defect>,
}

/// One deliberate defect: text of the core, and what stands there while it is switched on.
#[derive(Deserialize)]
struct Defect {
    name: String,
    /// Below `crates/core/src`.
    file: String,
    find: String,
    replace: String,
}

fn main() -> ExitCode {
    let Some(into) = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'))
    else {
        eprintln!("usage: laboratory DIR, from the workspace's folder");
        return ExitCode::from(2);
    };
    match build(Path::new(&into)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn build(into: &Path) -> Result<(), String> {
    let text = read(Path::new("tests/simulation/defects.toml"))?;
    let defects: Defects =
        toml::from_str(&text).map_err(|error| format!("defects.toml: {error}"))?;
    let mut copy = copy::Copy::of_workspace(into)?;
    let mut names = Vec::new();
    let mut sites = Vec::new();
    copy.change_core(|file, source| {
        let (source, found) = branches::probe(file, &source, sites.len())?;
        sites.extend(found);
        Ok(source)
    })?;
    // After the probes: a defect's own branches are no branches of the product.
    for defect in &defects.defect {
        copy.change_file(&defect.file, |source| damage(defect, source))?;
        // One defect may have several places.
        if !names.contains(&defect.name) {
            names.push(defect.name.clone());
        }
    }
    copy.add_switches(&names, &sites)?;
    copy.write()
}

fn damage(defect: &Defect, source: &str) -> Result<String, String> {
    // Probes stand in the text by now; the list is written without them.
    let plain = branches::Plain::of(source);
    let places: Vec<_> = plain.text.match_indices(&defect.find).collect();
    let [(start, _)] = places[..] else {
        return Err(format!(
            "the defect {:?} finds its text {} times in {}: the code has moved on; mend tests/simulation/defects.toml",
            defect.name,
            places.len(),
            defect.file
        ));
    };
    let (from, to) = plain.range(start, start + defect.find.len());
    let replaced = defect
        .replace
        .replace("ON", &format!("crate::laboratory::on({:?})", defect.name));
    Ok(format!("{}{replaced}{}", &source[..from], &source[to..]))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
