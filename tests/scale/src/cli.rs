//! The command line.

use lexopt::prelude::*;

const LATENCY: &str = "tests/scale/latency.toml";
const FLEET: &str = "tests/scale/fleet.toml";

const HELP: &str = "\
scale: a fleet of isolates over one coordinator, in simulated time; writes a page with charts

  scale [OPTION...]
    --latency F   distances (tests/scale/latency.toml)
    --fleet F     traffic, the object's capacity, what happens (tests/scale/fleet.toml)
    --seed N      another world of the same kind (1)
    --quick       up to 50,000 isolates instead of 1,000,000
    --out DIR     where scale.md and scale/*.svg go (docs)
    --help

By make: LATENCY= FLEET= SEED= QUICK=1 OUT=";

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) latency: String,
    pub(crate) fleet: String,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) out: String,
}

impl Command {
    /// The command that does the same.
    pub(crate) fn as_make(&self) -> String {
        let mut make = "make scale".to_owned();
        let quick = if self.quick { "1" } else { "" };
        let seed = self.seed.to_string();
        for (name, value, usual) in [
            ("LATENCY", &*self.latency, LATENCY),
            ("FLEET", &*self.fleet, FLEET),
            ("SEED", &*seed, "1"),
            ("QUICK", quick, ""),
        ] {
            if value != usual {
                make += &format!(" {name}={value}");
            }
        }
        make
    }
}

/// Reads it; `None` where only help was wanted, which is told.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Option<Command>, lexopt::Error> {
    let mut command = Command {
        latency: LATENCY.to_owned(),
        fleet: FLEET.to_owned(),
        seed: 1,
        quick: false,
        out: "docs".to_owned(),
    };
    while let Some(option) = parser.next()? {
        match option {
            Long("latency") => command.latency = parser.value()?.string()?,
            Long("fleet") => command.fleet = parser.value()?.string()?,
            Long("seed") => command.seed = parser.value()?.parse()?,
            Long("quick") => command.quick = true,
            Long("out") => command.out = parser.value()?.string()?,
            Long("help") => {
                println!("{HELP}");
                return Ok(None);
            }
            _ => return Err(option.unexpected()),
        }
    }
    Ok(Some(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let parse = |words: &[&str]| parse(lexopt::Parser::from_args(words));
        let command = parse(&["--seed", "7", "--quick", "--out=x"])
            .unwrap()
            .unwrap();
        assert_eq!((command.seed, command.quick, &*command.out), (7, true, "x"));
        for words in [
            &["--seed"][..],
            &["--seed", "x"],
            &["--size", "3"],
            &["word"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
