//! "Did you mean …": the nearest known name to one that is not known.

use std::fmt::Write as _;

/// Longest name that is compared (in bytes: known names are ASCII) or shown (in characters); keeps the comparison's cost bounded.
const MAX_NAME_CHARS: usize = 64;
/// Most edits between a name and the one it is taken for.
const MAX_EDITS: usize = 2;

/// The known name nearest to `name`, if any is near: at most two edits away (case and `_`/`-` do
/// not count), or else a name that contains the other.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let name = normalised(name)?;
    let spelled = known
        .iter()
        .filter_map(|candidate| Some((normalised(candidate)?, *candidate)));
    let within = |(normal, candidate): (Vec<u8>, &'k str)| {
        let edits = edits_between(&name, &normal);
        // Two edits turn any short word into any other: allow fewer there.
        (edits <= MAX_EDITS.min(normal.len() / 3)).then_some((edits, candidate))
    };
    let by_edits = spelled
        .clone()
        .filter_map(within)
        .min_by_key(|(edits, _)| *edits);
    by_edits.map(|(_, candidate)| candidate).or_else(|| {
        spelled
            .filter(|(normal, _)| contains(normal, &name) || contains(&name, normal))
            .map(|(_, candidate)| candidate)
            .next()
    })
}

/// The sentence for an unknown name: what it is, and the nearest known one or all of them.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(MAX_NAME_CHARS).collect();
    format!("unknown {what} {shown:?}: {}", hint(name, known))
}

/// The second half of [`unknown`], for places where the name itself must not be shown.
pub fn hint(name: &str, known: &[&str]) -> String {
    match (nearest(name, known), known) {
        (Some(nearest), _) => format!("did you mean {nearest:?}?"),
        (None, []) => "none is expected here".to_owned(),
        (None, _) => format!("expected {}", one_of(known)),
    }
}

/// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
pub fn one_of(known: &[&str]) -> String {
    match known {
        [] => String::new(),
        [only] => format!("{only:?}"),
        [first @ .., last] => {
            let mut listed = String::new();
            for (index, name) in first.iter().enumerate() {
                let comma = if index > 0 { ", " } else { "" };
                // Writing to a String cannot fail.
                let _ = write!(listed, "{comma}{name:?}");
            }
            format!("{listed} or {last:?}")
        }
    }
}

/// `None` for a name with nothing to compare.
fn normalised(name: &str) -> Option<Vec<u8>> {
    let mut normal = Vec::new();
    for byte in name.bytes().take(MAX_NAME_CHARS) {
        if !matches!(byte, b'_' | b'-') {
            normal.push(byte.to_ascii_lowercase());
        }
    }
    (!normal.is_empty()).then_some(normal)
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    part.len() >= 3 && whole.windows(part.len()).any(|window| window == part)
}

/// Damerau-Levenshtein distance, optimal string alignment: insert, delete, replace, swap neighbours.
fn edits_between(left: &[u8], right: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
    for (row, l) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let replaced = at(&last, column) + usize::from(l != r);
            let deleted = at(&last, column + 1) + 1;
            let inserted = at(&current, column) + 1;
            let mut best = replaced.min(deleted).min(inserted);
            let swapped = row > 0
                && column > 0
                && right.get(column - 1) == Some(l)
                && left.get(row - 1) == Some(r);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    at(&last, right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &[
        "source",
        "refresh_interval",
        "backoff_max",
        "ttl",
        "source_timeout",
    ];

    fn edits(left: &str, right: &str) -> usize {
        edits_between(left.as_bytes(), right.as_bytes())
    }

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "abcd", 1),
            ("abc", "axc", 1),
            ("kitten", "sitting", 3),
            ("ttl", "lttt", 2),
            // Bytes are counted: known names are ASCII.
            ("ä", "a", 2),
        ] {
            assert_eq!(edits(left, right), expected, "{left} {right}");
            assert_eq!(edits(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn nearest_within_two_edits() {
        for (name, expected) in [
            ("tll", Some("ttl")),
            ("TTL", Some("ttl")),
            ("refreshInterval", Some("refresh_interval")),
            ("refresh-intervall", Some("refresh_interval")),
            ("refrsh_intrval", Some("refresh_interval")),
            ("refrsh_intrvl", None),
            ("soucre", Some("source")),
            ("interval", Some("refresh_interval")),
            ("sources_timeouts_", Some("source_timeout")),
            ("zzz", None),
            ("x", None),
            ("", None),
            ("__", None),
        ] {
            assert_eq!(nearest(name, KNOWN), expected, "{name}");
        }
    }

    #[test]
    fn sentences() {
        assert_eq!(
            unknown("field", "tll", KNOWN),
            "unknown field \"tll\": did you mean \"ttl\"?"
        );
        assert_eq!(
            unknown("x", "q", &["aaa", "b", "c"]),
            "unknown x \"q\": expected \"aaa\", \"b\" or \"c\""
        );
        assert_eq!(unknown("x", "q", &["a"]), "unknown x \"q\": expected \"a\"");
        assert_eq!(
            unknown("x", "q", &[]),
            "unknown x \"q\": none is expected here"
        );
        let long = "y".repeat(100_000);
        assert!(unknown("x", &long, KNOWN).len() < 300);
        assert!(!unknown("x", "a\n\u{1b}", KNOWN).contains(['\n', '\u{1b}']));
    }
}
