//! As much of RFC 3986 as references inside one document need: they are compared as text.

/// `reference`, without its fragment, as it reads from a document at `base`.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    if has_scheme(reference) {
        return reference.to_owned();
    }
    let (scheme, rest) = match base.split_once(':') {
        Some((scheme, rest)) if has_scheme(base) => (Some(scheme), rest),
        _ => (None, base),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).unwrap_or_default();
            (Some(authority), path)
        }
        None => (None, rest),
    };
    let path = path.split('?').next().unwrap_or_default();
    let mut resolved = String::new();
    if let Some(scheme) = scheme {
        resolved.push_str(scheme);
        resolved.push(':');
    }
    if reference.starts_with("//") {
        resolved.push_str(reference);
        return resolved;
    }
    if let Some(authority) = authority {
        resolved.push_str("//");
        resolved.push_str(authority);
    }
    let (reference, query) = match reference.find('?') {
        Some(at) => reference.split_at_checked(at).unwrap_or_default(),
        None => (reference, ""),
    };
    if reference.is_empty() {
        resolved.push_str(path);
    } else if reference.starts_with('/') {
        push_without_dots(&mut resolved, reference);
    } else {
        let folder = path.rfind('/').and_then(|at| path.get(..=at));
        let folder = folder.unwrap_or(if authority.is_some() { "/" } else { "" });
        push_without_dots(&mut resolved, &format!("{folder}{reference}"));
    }
    resolved.push_str(query);
    resolved
}

/// A fragment with its percent signs decoded; none when that is no text.
pub(super) fn decode(fragment: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut parts = fragment.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let digits = part
            .get(..2)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn has_scheme(uri: &str) -> bool {
    let scheme = uri.split([':', '/', '?']).next().unwrap_or_default();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.len() < uri.len()
        && uri.as_bytes().get(scheme.len()) == Some(&b':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(word)
}

fn push_without_dots(resolved: &mut String, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    let count = path.split('/').count();
    for (index, segment) in path.split('/').enumerate() {
        let is_last = index + 1 == count;
        match segment {
            "." | ".." => {
                // The empty segment before a leading slash stays.
                if segment == ".."
                    && (segments.len() > 1
                        || segments.first().is_some_and(|first| !first.is_empty()))
                {
                    segments.pop();
                }
                if is_last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    for (index, segment) in segments.into_iter().enumerate() {
        if index > 0 {
            resolved.push('/');
        }
        resolved.push_str(segment);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn references_resolve_as_rfc_3986_says() {
        let base = "http://a/b/c/d;p?q";
        for (reference, expected) in [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("g/../h", "http://a/b/c/h"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        for (base, reference, expected) in [
            ("", "item.json", "item.json"),
            ("http://a", "b", "http://a/b"),
            ("urn:uuid:1", "", "urn:uuid:1"),
            ("x/y", "z", "x/z"),
        ] {
            assert_eq!(resolve(base, reference), expected, "{base} {reference}");
        }
    }

    #[test]
    fn fragments_are_decoded() {
        for (fragment, expected) in [
            ("/a%25b", Some("/a%b")),
            ("%C3%A9", Some("é")),
            ("%e9", None),
            ("%", None),
            ("%4", None),
            ("%+4", None),
            ("plain", Some("plain")),
        ] {
            assert_eq!(decode(fragment).as_deref(), expected, "{fragment}");
        }
    }
}
