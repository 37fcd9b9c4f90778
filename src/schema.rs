//! Validates documents with the npm package that `schema.mjs` wraps.

use bellwether_core::Document;
use bellwether_core::reason::Reason;
use bellwether_core::schema::{Matched, Schema};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/schema.mjs")]
extern "C" {
    /// Holds no state but the schema that it compiled last, and throws nothing that it could catch.
    #[wasm_bindgen(catch)]
    fn violations(
        key: &str,
        schema: &str,
        document: &str,
        matches: &mut dyn FnMut(String, String) -> u8,
    ) -> Result<String, JsValue>;
}

/// As [`bellwether_core::platform::Validator::validate`].
pub(crate) fn validate(schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
    let lowered = schema.lowered().map_err(<[Reason]>::to_vec)?;
    let mut matcher = schema.matcher().map_err(<[Reason]>::to_vec)?;
    let mut matches = |pattern: String, text: String| match matcher.matches(&pattern, &text) {
        Matched::No => 0,
        Matched::Yes => 1,
        Matched::Spent => 2,
    };
    let hash = schema.hash().to_string();
    let answer = violations(&hash, lowered, document.text(), &mut matches);
    // No answer is as good as one that is not understood: a refusal.
    schema.verdict(document, &answer.unwrap_or_default())
}
