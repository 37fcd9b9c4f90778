//! `scale`: a fleet of up to a million isolates over one coordinator, in simulated time. See docs/scale.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: what cannot be must stop it"
)]

mod chart;
mod charts;
mod cli;
mod colo;
mod engine;
mod histogram;
mod input;
mod isolate;
mod measure;
mod object;
mod page;
mod plan;
mod platform;
mod random;
mod run;
mod summary;
#[cfg(test)]
mod tests;
mod world;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use cli::Command;
use input::Input;
use page::Page;
use plan::Scope;

fn main() -> ExitCode {
    let done = match cli::parse(lexopt::Parser::from_env()) {
        Ok(Some(command)) => write_page(&command),
        Ok(None) => Ok(()),
        Err(error) => Err(format!("{error}; see --help")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_page(command: &Command) -> Result<(), String> {
    let began = Instant::now();
    let input = Input::read(&command.latency, &command.fleet)?;
    let scope = Scope {
        seed: command.seed,
        quick: command.quick,
    };
    let results = plan::carry_out(scope, &input, |line| eprintln!("  {line}"));
    let page = Page {
        scope,
        input: &input,
        results: &results,
        command: command.as_make(),
    };
    let out = Path::new(&command.out);
    let charts = out.join("scale");
    let cannot = |error| format!("{}: {error}", out.display());
    fs::create_dir_all(&charts).map_err(cannot)?;
    for (name, svg) in charts::charts(&page) {
        fs::write(charts.join(name), svg).map_err(cannot)?;
    }
    let path = out.join("scale.md");
    fs::write(&path, page.to_markdown()).map_err(cannot)?;
    let events: u64 = results.values().map(|run| run.events).sum();
    println!(
        "{}: {} runs, {} events, {:.0} s",
        path.display(),
        results.len(),
        chart::grouped(events as f64),
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
