//! JSON Schema, in JavaScript: `src/schema/`.

use bellwether_core::Document;
use bellwether_core::reason::Reason;
use bellwether_core::schema::{Schema, verdict};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

// From the folder in which worker-build has esbuild bundle it, build/.tmp.
#[wasm_bindgen(raw_module = "../../src/schema/schema.mjs")]
extern "C" {
    /// Holds no state but the schema that it compiled last, and throws nothing that it could catch.
    #[wasm_bindgen(js_name = check, catch)]
    fn check_text(schema: &str) -> Result<String, JsValue>;
    /// The same.
    #[wasm_bindgen(js_name = validate, catch)]
    fn validate_text(schema: &str, document: &str) -> Result<String, JsValue>;
}

/// As [`bellwether_core::platform::Validator::check_schema`].
pub(crate) fn check(schema: &Schema) -> Result<(), Vec<Reason>> {
    // No answer is as good as one that is not understood: a refusal.
    verdict(&check_text(schema.text()).unwrap_or_default())
}

/// As [`bellwether_core::platform::Validator::validate`].
pub(crate) fn validate(schema: &Schema, document: &Document) -> Result<(), Vec<Reason>> {
    verdict(&validate_text(schema.text(), document.text()).unwrap_or_default())
}
