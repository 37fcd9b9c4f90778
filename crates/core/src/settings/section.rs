//! One JSON object of the settings, or of a request, read field by field: a mistake is noted, and the default stands in.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::SettingsError;
use super::duration::duration_within;
use super::rule::Rule;
use super::suggest;
use crate::document::Object;
use crate::pointer::push_token;
use crate::reason::kind_of;

pub(crate) struct Section<'v, 'e> {
    object: &'v Object,
    pointer: String,
    errors: &'e mut Vec<SettingsError>,
}

impl<'v, 'e> Section<'v, 'e> {
    /// `None`, noted, if `value` is no object; otherwise as [`Section::of`].
    pub(super) fn open(
        value: &'v Value,
        pointer: String,
        known: Option<&[&str]>,
        errors: &'e mut Vec<SettingsError>,
    ) -> Option<Section<'v, 'e>> {
        let Some(object) = value.as_object() else {
            let message = format!("found {}, expected an object", kind_of(value));
            errors.push(SettingsError { pointer, message });
            return None;
        };
        Some(Section::of(object, pointer, known, errors))
    }

    /// The section that is this object. Notes every name that is not in `known`, if given.
    pub(crate) fn of(
        object: &'v Object,
        pointer: String,
        known: Option<&[&str]>,
        errors: &'e mut Vec<SettingsError>,
    ) -> Section<'v, 'e> {
        let mut section = Section {
            object,
            pointer,
            errors,
        };
        for name in object
            .keys()
            .filter(|name| !known.is_none_or(|known| known.contains(&name.as_str())))
        {
            section.wrong(
                name,
                suggest::unknown("field", name, known.unwrap_or_default()),
            );
        }
        section
    }

    /// The section under `name`; `None` if there is none, or, noted, if it is no object.
    pub(super) fn child(&mut self, name: &str, known: Option<&[&str]>) -> Option<Section<'v, '_>> {
        let value = self.object.get(name)?;
        Section::open(value, self.pointer_to(name), known, self.errors)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'v str> + use<'v> {
        self.object.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'v Value> {
        self.object.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A duration in milliseconds.
    pub(super) fn duration(&mut self, name: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(value) = self.get(name) else {
            return default;
        };
        duration_within(value, &range).unwrap_or_else(|message| {
            self.wrong(name, message);
            default
        })
    }

    pub(super) fn whole(&mut self, name: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(value) = self.get(name) else {
            return default;
        };
        if let Some(number) = value.as_u64().filter(|number| range.contains(number)) {
            return number;
        }
        let found = match value {
            Value::Number(number) => number.to_string(),
            _ => kind_of(value).to_owned(),
        };
        let (from, to) = (range.start(), range.end());
        self.wrong(
            name,
            format!("found {found}, expected a whole number from {from} to {to}"),
        );
        default
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        let Some(value) = self.get(name) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            self.wrong(
                name,
                format!("found {}, expected true or false", kind_of(value)),
            );
            default
        })
    }

    /// A text that must be there and keep the rule; `None`, noted, otherwise.
    pub(super) fn text(&mut self, name: &str, rule: Rule) -> Option<String> {
        match self.get(name) {
            Some(_) => self.optional_text(name, rule),
            None => {
                self.wrong(name, "missing, expected a string".to_owned());
                None
            }
        }
    }

    /// A text that must keep the rule if it is there; `None`, noted, if it does not.
    pub(crate) fn optional_text(&mut self, name: &str, rule: Rule) -> Option<String> {
        let value = self.get(name)?;
        let kept = match value.as_str() {
            Some(text) => rule(text).map(|()| text.to_owned()),
            None => Err(format!("found {}, expected a string", kind_of(value))),
        };
        kept.map_err(|message| self.wrong(name, message)).ok()
    }

    /// Notes a mistake in the field `name`.
    pub(crate) fn wrong(&mut self, name: &str, message: String) {
        let pointer = self.pointer_to(name);
        self.errors.push(SettingsError { pointer, message });
    }

    /// Notes a mistake in one item of the array `name`.
    pub(crate) fn wrong_below(&mut self, name: &str, index: usize, message: String) {
        let pointer = format!("{}/{index}", self.pointer_to(name));
        self.errors.push(SettingsError { pointer, message });
    }

    /// Notes a mistake in the section as a whole.
    pub(super) fn wrong_here(&mut self, message: String) {
        self.errors.push(SettingsError {
            pointer: self.pointer.clone(),
            message,
        });
    }

    /// Where the list of mistakes stands, for [`Section::first_error_since`].
    pub(super) fn mark(&self) -> usize {
        self.errors.len()
    }

    pub(super) fn first_error_since(&self, mark: usize) -> Option<SettingsError> {
        self.errors.get(mark).cloned()
    }

    fn pointer_to(&self, name: &str) -> String {
        let mut pointer = self.pointer.clone();
        push_token(&mut pointer, name);
        pointer
    }
}
