//! The keywords of JSON Schema 2020-12 that are known here.

/// What a keyword's value must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A schema.
    Schema,
    /// An array of schemas with at least one.
    Schemas,
    /// An object of schemas.
    SchemaMap,
    /// The same, with patterns as keys.
    PatternMap,
    /// One type name, or several.
    Types,
    Text,
    Flag,
    Number,
    /// A number above 0.
    Positive,
    /// A whole number, 0 or above.
    Count,
    List,
    /// Different strings.
    Names,
    /// Different strings for each key.
    NamesMap,
    Pattern,
    /// `$schema`.
    Dialect,
    /// `$id`.
    Id,
    Anchor,
    Reference,
    Anything,
}

/// What is made of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of the lowered schema.
    Asserts,
    /// The same, and its subschemas apply to the same value as the schema that holds them.
    InPlace,
    /// Checked, and left out.
    Annotates,
}

pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) role: Role,
}

const fn known(name: &'static str, shape: Shape, role: Role) -> Keyword {
    Keyword { name, shape, role }
}

use Role::{Annotates, Asserts, InPlace};

const KEYWORDS: &[Keyword] = &[
    known("$schema", Shape::Dialect, Annotates),
    known("$id", Shape::Id, Annotates),
    known("$anchor", Shape::Anchor, Annotates),
    known("$dynamicAnchor", Shape::Anchor, Annotates),
    known("$ref", Shape::Reference, Annotates),
    known("$dynamicRef", Shape::Reference, Annotates),
    known("$comment", Shape::Text, Annotates),
    known("$defs", Shape::SchemaMap, Asserts),
    // Of older drafts, and still kept by 2020-12 for them.
    known("definitions", Shape::SchemaMap, Asserts),
    known("allOf", Shape::Schemas, InPlace),
    known("anyOf", Shape::Schemas, InPlace),
    known("oneOf", Shape::Schemas, InPlace),
    known("not", Shape::Schema, InPlace),
    known("if", Shape::Schema, InPlace),
    known("then", Shape::Schema, InPlace),
    known("else", Shape::Schema, InPlace),
    known("dependentSchemas", Shape::SchemaMap, InPlace),
    known("prefixItems", Shape::Schemas, Asserts),
    known("items", Shape::Schema, Asserts),
    known("contains", Shape::Schema, Asserts),
    known("properties", Shape::SchemaMap, Asserts),
    known("patternProperties", Shape::PatternMap, Asserts),
    known("additionalProperties", Shape::Schema, Asserts),
    known("propertyNames", Shape::Schema, Asserts),
    known("unevaluatedItems", Shape::Schema, Asserts),
    known("unevaluatedProperties", Shape::Schema, Asserts),
    known("type", Shape::Types, Asserts),
    known("enum", Shape::List, Asserts),
    known("const", Shape::Anything, Annotates),
    known("multipleOf", Shape::Positive, Asserts),
    known("maximum", Shape::Number, Asserts),
    known("exclusiveMaximum", Shape::Number, Asserts),
    known("minimum", Shape::Number, Asserts),
    known("exclusiveMinimum", Shape::Number, Asserts),
    known("maxLength", Shape::Count, Asserts),
    known("minLength", Shape::Count, Asserts),
    known("pattern", Shape::Pattern, Asserts),
    known("maxItems", Shape::Count, Asserts),
    known("minItems", Shape::Count, Asserts),
    known("uniqueItems", Shape::Flag, Asserts),
    known("maxContains", Shape::Count, Asserts),
    known("minContains", Shape::Count, Asserts),
    known("maxProperties", Shape::Count, Asserts),
    known("minProperties", Shape::Count, Asserts),
    known("required", Shape::Names, Asserts),
    known("dependentRequired", Shape::NamesMap, Asserts),
    // Annotations in 2020-12.
    known("format", Shape::Text, Annotates),
    known("contentEncoding", Shape::Text, Annotates),
    known("contentMediaType", Shape::Text, Annotates),
    known("contentSchema", Shape::Schema, Asserts),
    known("title", Shape::Text, Annotates),
    known("description", Shape::Text, Annotates),
    known("deprecated", Shape::Flag, Annotates),
    known("readOnly", Shape::Flag, Annotates),
    // Stays, for the words of violations.
    known("writeOnly", Shape::Flag, Asserts),
    known("examples", Shape::List, Annotates),
];

/// The keyword of this name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// Type names with what they are called in sentences.
pub(super) const TYPES: &[(&str, &str)] = &[
    ("null", "null"),
    ("boolean", "a boolean"),
    ("object", "an object"),
    ("array", "an array"),
    ("number", "a number"),
    ("integer", "an integer"),
    ("string", "a string"),
];
