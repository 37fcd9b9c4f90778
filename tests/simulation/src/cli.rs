//! The command line.

use std::time::{SystemTime, UNIX_EPOCH};

use lexopt::prelude::*;

use crate::chance::Fault;

const HELP: &str = "\
simulate: worlds of one coordinator and many isolates, in simulated time, with everything breaking

  simulate [OPTION...]
    --days N         simulated days in all (2000)
    --seeds N        worlds; each gets its share of the days (one per 5 days)
    --seed N         the first world's seed (from the clock); alone it means one world
    --without A,B    leave these faults out
    --isolates N     at most so many isolates in a world (8)
    --regressions F  first run the worlds that F lists, a command line each
    --fingerprint    print a line per world with its events and the fingerprint of its trace
    --defects        in the laboratory's copy: hunt the deliberate defects
    --branches F     in the laboratory's copy: tell which branches were reached; F lists those that cannot be
    --help

Faults:";

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) first_seed: u64,
    pub(crate) seeds: u64,
    pub(crate) days_each: u64,
    pub(crate) without: Vec<Fault>,
    pub(crate) isolates: u64,
    pub(crate) regressions: Option<String>,
    pub(crate) fingerprint: bool,
    #[cfg(feature = "laboratory")]
    pub(crate) defects: bool,
    #[cfg(feature = "laboratory")]
    pub(crate) branches: Option<String>,
}

pub(crate) fn parse() -> Result<Command, String> {
    parse_from(lexopt::Parser::from_env())
}

pub(crate) fn parse_from(mut parser: lexopt::Parser) -> Result<Command, String> {
    let (mut seed, mut seeds, mut days) = (None, None, None);
    let (mut without, mut isolates, mut regressions, mut fingerprint) =
        (Vec::new(), 8, None, false);
    #[cfg(feature = "laboratory")]
    let (mut defects, mut branches) = (false, None);
    while let Some(option) = parser.next().map_err(|error| error.to_string())? {
        match option {
            Long("seed") => seed = Some(number(&mut parser, "seed", 0)?),
            Long("seeds") => seeds = Some(number(&mut parser, "seeds", 1)?),
            Long("days") => days = Some(number(&mut parser, "days", 1)?),
            Long("isolates") => isolates = number(&mut parser, "isolates", 1)?,
            Long("fingerprint") => fingerprint = true,
            #[cfg(feature = "laboratory")]
            Long("defects") => defects = true,
            #[cfg(feature = "laboratory")]
            Long("branches") => branches = Some(path(&mut parser)?),
            Long("regressions") => regressions = Some(path(&mut parser)?),
            Long("without") => {
                let names = parser.value().map_err(|error| error.to_string())?;
                for name in names
                    .to_string_lossy()
                    .split(',')
                    .filter(|name| !name.is_empty())
                {
                    let fault = Fault::ALL.iter().find(|fault| fault.name() == name);
                    without.push(
                        *fault
                            .ok_or_else(|| format!("--without {name}: there is no such fault"))?,
                    );
                }
            }
            Long("help") => {
                println!("{HELP}");
                for fault in Fault::ALL {
                    println!("  {:20}{}", fault.name(), fault.what());
                }
                std::process::exit(0);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    let alone = seed.is_some() && seeds.is_none();
    let days = days.unwrap_or(if alone { 5 } else { 2_000 });
    let seeds = seeds.unwrap_or(if alone { 1 } else { days.div_ceil(5) });
    Ok(Command {
        first_seed: seed.unwrap_or_else(from_clock),
        seeds,
        days_each: days.div_ceil(seeds),
        without,
        isolates,
        regressions,
        fingerprint,
        #[cfg(feature = "laboratory")]
        defects,
        #[cfg(feature = "laboratory")]
        branches,
    })
}

fn path(parser: &mut lexopt::Parser) -> Result<String, String> {
    let path = parser.value().map_err(|error| error.to_string())?;
    Ok(path.to_string_lossy().into_owned())
}

fn number(parser: &mut lexopt::Parser, name: &str, least: u64) -> Result<u64, String> {
    let value = parser.value().map_err(|error| error.to_string())?;
    let value = value.to_string_lossy();
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("--{name} {value}: expected a whole number from {least}"))
}

fn from_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(1, |since| since.as_secs() * 1_000)
}
