//! Texts taken apart by hand: each use of the generic searches of `str` would be code of its own.

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
