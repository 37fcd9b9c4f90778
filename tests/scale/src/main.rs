//! `scale`: a fleet of up to a million isolates over one coordinator, in simulated time. See docs/scale.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test program: what cannot be must stop it"
)]

mod colo;
mod engine;
mod histogram;
mod input;
mod isolate;
mod measure;
mod object;
mod platform;
mod random;
mod run;
mod world;

use std::time::Instant;
fn main() {
    let input = input::Input::read("tests/scale/latency.toml", "tests/scale/fleet.toml").unwrap();
    println!("{}", size_of::<isolate::IsolateReader>());
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let ttl_s: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    for event in run::Event::ALL {
        for (colo, jitter) in [(false, false), (true, false), (true, true)] {
            let began = Instant::now();
            let setup = run::Setup { ttl_s, colo_cache: colo, jitter };
            let run = run::Run { isolates: n, seed: 1, setup, event, every_read: false };
            let m = world::simulate(&run, &input);
            println!("{}: {:?} {:.1} s, {} events; steady {:?} formula {:.1}, after {:?} refused {} calls {} colo hits {} quiet {:?} after {:?} p50 {} p99 {} max {} conv {:?} {:?} {:?} last old {} min {:?}", event.name(), setup, began.elapsed().as_secs_f64(), m.events, m.steady_per_s(), input.calls_per_s(ttl_s as f64)*f64::from(n), m.after_per_s(), m.refused, m.calls, m.colo_hits, m.quiet.map(|x| x.round()), m.after.map(|x| x.round()), m.ages.quantile(0.5), m.ages.quantile(0.99), m.oldest_ms, m.converged_ms(0.5), m.converged_ms(0.99), m.converged_ms(0.999), m.last_old_ms, m.minimum);
        }
    }
}
