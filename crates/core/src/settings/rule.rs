//! What a text in the settings must be like. Refusals say what is expected and never quote the text:
//! people paste secrets where the name of one belongs.

/// Checks a text; the error says what was expected.
pub(crate) type Rule = fn(&str) -> Result<(), String>;

const MAX_BINDING_BYTES: usize = 128;
/// Workers KV's own limit.
const MAX_KV_KEY_BYTES: usize = 512;
/// R2's own limit.
const MAX_R2_KEY_BYTES: usize = 1_024;
const MAX_URL_BYTES: usize = 2_048;

/// The name of a binding, var or secret.
pub(super) fn binding(text: &str) -> Result<(), String> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = text
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    let fits = text.len() <= MAX_BINDING_BYTES && starts_well && text.bytes().all(word);
    expect(fits, || {
        format!(
            "expected the name of a binding or secret: 1 to {MAX_BINDING_BYTES} letters, digits and \"_\", not beginning with a digit"
        )
    })
}

pub(super) fn kv_key(text: &str) -> Result<(), String> {
    let fits = (1..=MAX_KV_KEY_BYTES).contains(&text.len()) && !matches!(text, "." | "..");
    expect(fits, || {
        format!("expected a KV key: 1 to {MAX_KV_KEY_BYTES} bytes, not \".\" or \"..\"")
    })
}

/// Documents are merged under the rest of their key, so a prefix ends where a segment does.
pub(super) fn kv_prefix(text: &str) -> Result<(), String> {
    let fits = text.is_empty() || text.ends_with('/') && text.len() < MAX_KV_KEY_BYTES;
    expect(fits, || {
        format!(
            "expected a KV prefix: at most {} bytes that end in \"/\", or \"\" for the whole namespace",
            MAX_KV_KEY_BYTES - 1
        )
    })
}

pub(super) fn r2_key(text: &str) -> Result<(), String> {
    let fits = (1..=MAX_R2_KEY_BYTES).contains(&text.len());
    expect(fits, || {
        format!("expected an R2 key: 1 to {MAX_R2_KEY_BYTES} bytes")
    })
}

/// An absolute HTTP(S) URL with a host. Stricter than browsers, which guess: what passes here means
/// the same to every parser.
pub(super) fn url(text: &str) -> Result<(), String> {
    if text.len() > MAX_URL_BYTES {
        return expected(&format!("a URL of at most {MAX_URL_BYTES} bytes"));
    }
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    {
        return expected("a URL in ASCII without spaces, controls and backslashes");
    }
    let Some(rest) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return expected("a URL that begins with \"https://\" or \"http://\"");
    };
    if text.contains('#') {
        return expected("a URL without a fragment");
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return expected("a URL without user and password; name a token_secret instead");
    }
    let (host, port) = split_port(authority);
    if !is_host(host) {
        return expected("a URL with a host name or address");
    }
    if port.is_some_and(|port| !is_port(port)) {
        return expected("a URL with a port from 1 to 65535");
    }
    Ok(())
}

/// A URL that paths are appended to.
pub(super) fn base_url(text: &str) -> Result<(), String> {
    url(text)?;
    expect(!text.contains('?'), || {
        "expected a URL without a query".to_owned()
    })
}

#[inline(never)]
fn expected(what: &str) -> Result<(), String> {
    Err(format!("expected {what}"))
}

fn expect(fits: bool, expected: impl FnOnce() -> String) -> Result<(), String> {
    if fits { Ok(()) } else { Err(expected()) }
}

/// The colons inside an IPv6 address belong to it.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(address) => {
            // The platform's own parser has the last word when the call is made.
            address.is_some_and(is_like_ipv6)
        }
        None => {
            let allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            !host.is_empty() && !host.starts_with('.') && host.bytes().all(allowed)
        }
    }
}

fn is_port(port: &str) -> bool {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Without std's parser, which brings 1 KB gzipped along.
fn is_like_ipv6(address: &str) -> bool {
    let all_allowed = address
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    all_allowed && address.bytes().filter(|byte| *byte == b':').count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_at_their_limits() {
        let limits: [(Rule, &str, usize, &str); 5] = [
            (binding, "", 128, ""),
            (kv_key, "", 512, ""),
            (kv_prefix, "", 511, "/"),
            (r2_key, "", 1_024, ""),
            (url, "https://h/", 2_048, ""),
        ];
        for (rule, start, limit, end) in limits {
            for (length, fits) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
                let text = format!(
                    "{start}{}{end}",
                    "a".repeat(length - start.len() - end.len())
                );
                assert_eq!(rule(&text).is_ok(), fits, "{limit} {length}");
            }
        }
    }

    #[test]
    fn bindings_keys_and_prefixes() {
        let cases: [(Rule, &[&str], &[&str]); 4] = [
            (
                binding,
                &["CONFIG_KV", "_a", "a1"],
                &["", "1a", "a-b", "a b", "é", "a.b"],
            ),
            (kv_key, &["config", "a/b", "é", "..."], &["", ".", ".."]),
            (kv_prefix, &["", "a/", "a/b/", "/"], &["a", "a/b"]),
            (r2_key, &["a", "a/b"], &[""]),
        ];
        for (rule, good, bad) in cases {
            assert!(good.iter().all(|text| rule(text).is_ok()), "{good:?}");
            assert!(bad.iter().all(|text| rule(text).is_err()), "{bad:?}");
        }
    }

    #[test]
    fn urls() {
        for good in [
            "https://example.com",
            "http://127.0.0.1:8787",
            "https://example.com/a/b.json?x=1&y=%20@:",
            "http://[::1]:8080/",
            "http://[::1]",
            "https://a_b-c.example.:1/",
            "https://example.com?x=1",
            "http://h:65535/a:b@c",
        ] {
            assert_eq!(url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "HTTPS://example.com",
            "https:/example.com",
            "https://",
            "https:///path",
            "https://?x",
            "https://:80/",
            "https://h:/",
            "https://h:0/",
            "https://h:65536/",
            "https://h:+80/",
            "https://h:8x/",
            "https://h:80:80/",
            "https://user@h/",
            "https://user:secret@h/",
            "https://h\\@evil/",
            "https://h /",
            "https://h/\n",
            "https://h/#f",
            "https://h/é",
            "https://é/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[]/",
            "https://[1]/",
            "https://::1/",
            "https://.h/",
            "https://h%41/",
        ] {
            let message = url(bad).err().unwrap_or_default();
            assert!(message.starts_with("expected"), "{bad}: {message}");
            assert!(!message.contains("secret@"), "{message}");
        }
        assert!(base_url("https://h/a").is_ok());
        assert!(base_url("https://h/a?x").is_err());
    }

    proptest! {
        #[test]
        fn urls_never_panic(text in "(https?://)?[\\[\\]:@/?#a-z0-9.é]*") {
            let _ = base_url(&text);
        }
    }
}
