//! Which transformation a request gets. No I/O, nothing kept: only the configuration and the URL.

use crate::config::{Bounds, Config, Rendition, Route, Video};
use crate::target::Target;

pub(crate) struct Made<'a> {
    pub(crate) transform: String,
    pub(crate) route: &'a str,
    pub(crate) derivative: &'a str,
    pub(crate) cache_control: String,
}

pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) error: String,
}

pub(crate) fn decide<'a>(config: &'a Config, target: &Target<'_>) -> Result<Made<'a>, Refused> {
    let (video, path) = (&config.video, target.path);
    if !video.enabled {
        return Err(refused(404, "video is switched off"));
    }
    let is_video = path.ends_with(".mp4");
    let leading = |route: &&Route| is_video && is_served(route) && leads_to(route, path);
    let route = video.routes.iter().find(leading);
    let route = route.ok_or_else(|| refused(404, "no route leads there"))?;

    let asked = target.query("derivative").unwrap_or(&route.default_preset);
    let presets = route.presets.as_deref().unwrap_or_default();
    let derivative = presets.iter().find(|name| *name == asked);
    let derivative = derivative.ok_or_else(|| {
        let presets = presets.join(", ");
        refused(400, &format!("derivative: expected one of {presets}"))
    })?;
    let unsaid = || {
        let error = format!("the configuration does not say how to make {derivative}");
        refused(404, &error)
    };
    let preset = video.presets.get(derivative).ok_or_else(unsaid)?;
    let source = route
        .sources
        .first()
        .and_then(|name| video.sources.get(name));
    let source = source.ok_or_else(unsaid)?;
    let profile = config.cache.profiles.get(&route.cache_profile);
    let profile = profile.ok_or_else(unsaid)?;
    let largest = largest_of(&preset.ladder, video).ok_or_else(unsaid)?;

    let width = size(target, "width", video.limits.width, largest.width)?;
    let height = size(target, "height", video.limits.height, largest.height)?;
    let audio = if preset.muted { ",audio=false" } else { "" };
    let from = match &source.base_url {
        Some(base) => format!("{base}/"),
        None => source.prefix.clone(),
    };
    Ok(Made {
        transform: format!(
            "/cdn-cgi/media/mode=video,width={width},height={height},fit={}{audio}/{from}{}",
            preset.fit,
            path.trim_start_matches('/'),
        ),
        route: &route.name,
        derivative,
        cache_control: format!(
            "public, max-age={}, s-maxage={}, stale-while-revalidate={}",
            profile.browser_ttl_s, profile.edge_ttl_s, profile.stale_while_revalidate_s,
        ),
    })
}

/// Signatures and access by team are left out of this example, and with them the routes that want them.
fn is_served(route: &Route) -> bool {
    route.presets.is_some() && route.signed.is_none() && route.access.is_none()
}

/// A `{name}` in a route's pattern stands for one segment that is not empty.
fn leads_to(route: &Route, path: &str) -> bool {
    let mut segments = path.split('/');
    let fits = |want: &str| {
        let is_name = want.starts_with('{') && want.find('}') == Some(want.len() - 1);
        let segment = segments.next();
        segment.is_some_and(|segment| segment == want || is_name && !segment.is_empty())
    };
    route.pattern.split('/').all(fits) && segments.next().is_none()
}

/// The first rung, for ladders go down, that the tier may have.
fn largest_of(ladder: &[String], video: &Video) -> Option<Rendition> {
    let tier = video.accounts.tiers.get(&video.accounts.default_tier)?;
    let mut rungs = ladder.iter().filter_map(|name| video.renditions.get(name));
    rungs.find(|rung| rung.height <= tier.height_max).copied()
}

/// What is asked, but not more than `largest`, which stands where nothing is asked.
fn size(target: &Target<'_>, side: &str, bounds: Bounds, largest: u32) -> Result<u32, Refused> {
    let Some(text) = target.query(side) else {
        return Ok(largest);
    };
    let Bounds { min, max } = bounds;
    // Digits only: `parse` alone would take a plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let size = digits.then(|| text.parse().ok()).flatten();
    let size = size.filter(|size| (min..=max).contains(size));
    let error = || format!("{side}: expected a whole number from {min} to {max}");
    size.map(|size| largest.min(size))
        .ok_or_else(|| refused(400, &error()))
}

fn refused(status: u16, error: &str) -> Refused {
    let error = error.to_owned();
    Refused { status, error }
}
