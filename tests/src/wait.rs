//! Waiting on conditions.
use std::time::{Duration, Instant};

/// How long a test waits for something that must happen; far above what a loaded two-core machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

const POLL_EVERY: Duration = Duration::from_millis(20);

/// Waits until `condition` holds; panics with `what` when `deadline` passes first.
pub async fn until(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    until_some(what, deadline, async || condition().await.then_some(())).await;
}

/// Waits until `probe` gives a value and returns it; panics with `what` when `deadline` passes first.
pub async fn until_some<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(
            started.elapsed() < deadline,
            "waited {deadline:?} in vain for: {what}"
        );
        tokio::time::sleep(POLL_EVERY).await;
    }
}
