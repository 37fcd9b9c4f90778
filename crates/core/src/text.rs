//! Texts taken apart and put together by hand: each use of the generic searches of `str` would be code of its own.

/// Takes what stands before the first `end` off a text, and `end` with it.
#[inline(never)]
pub(crate) fn cut<'t>(text: &mut &'t str, end: u8) -> &'t str {
    let at = text.bytes().position(|byte| byte == end);
    let (part, rest) = text
        .split_at_checked(at.unwrap_or(text.len()))
        .unwrap_or_default();
    *text = rest.get(1..).unwrap_or_default();
    part
}

/// Adds `before`, and a part as JavaScript's `encodeURIComponent` writes it, as many whole characters as there is room for.
#[inline(never)]
pub(crate) fn push_encoded(text: &mut String, before: char, part: &str, max_bytes: usize) {
    text.push(before);
    let full = text.len().saturating_add(max_bytes);
    for character in part.chars() {
        let whole = text.len();
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
                text.push(char::from(byte));
                continue;
            }
            text.push('%');
            for digit in [byte >> 4, byte & 15] {
                let letter = if digit < 10 { b'0' } else { b'A' - 10 };
                text.push(char::from(letter + digit));
            }
        }
        if text.len() > full {
            text.truncate(whole);
            return;
        }
    }
}
