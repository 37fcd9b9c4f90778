//! The settings var `BELLWETHER`: every field has a default, every mistake is kept with its pointer
//! and the nearest known name, and a space with a mistake gets no source, so that its head stays.

pub mod duration;
mod reader;
mod rule;
pub(crate) mod section;
mod source;
mod space;
pub mod suggest;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::space_name::SpaceName;

pub use reader::{ColdStart, DEFAULT_WAIT_MS, OnExpired, ReaderSettings, TransportSettings};
pub use source::SourceSettings;
pub(crate) use space::REFRESH_INTERVAL_MS;
pub use space::SpaceSettings;

use section::Section;

/// All settings of a Worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The spaces it serves; [`SpaceName::default`] alone where the settings name none.
    pub spaces: Spaces,
    /// This Worker's own reader.
    pub reader: ReaderSettings,
    /// Every mistake found. What one names is at its default, and its space has no source.
    pub errors: Vec<SettingsError>,
}

/// The spaces of a Worker, each named once. They are few, and a map's code is large.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spaces(Vec<(SpaceName, SpaceSettings)>);

impl Spaces {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each with its name, in the order of the settings.
    pub fn iter(&self) -> impl Iterator<Item = (&SpaceName, &SpaceSettings)> {
        self.0.iter().map(|(name, space)| (name, space))
    }

    /// Their names.
    pub fn keys(&self) -> impl Iterator<Item = &SpaceName> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Their settings.
    pub fn values(&self) -> impl Iterator<Item = &SpaceSettings> {
        self.0.iter().map(|(_, space)| space)
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut SpaceSettings> {
        self.0.iter_mut().map(|(_, space)| space)
    }
}

/// One mistake in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingsError {
    /// RFC 6901 pointer into the settings var.
    pub pointer: String,
    /// What was found and what was expected; never a value, since one might be a secret.
    pub message: String,
}

impl Settings {
    /// Reads the var's value. Never fails: see [`Settings::errors`].
    pub fn parse(value: Option<&Value>) -> Settings {
        const FIELDS: &[&str] = &["spaces", "reader"];
        let Some(value) = value else {
            return Settings::default();
        };
        let mut settings = Settings {
            spaces: Spaces::default(),
            ..Settings::default()
        };
        let mut errors = Vec::new();
        let mut doubt = None;
        if let Some(mut root) = Section::open(value, String::new(), Some(FIELDS), &mut errors) {
            // A misspelt `spaces` must not start a space on a source that nobody asked for.
            doubt = root.first_error_since(0);
            if let Some(spaces) = root.child("spaces", None) {
                settings.spaces = parse_spaces(spaces);
            }
            if settings.spaces.is_empty() {
                doubt = root.first_error_since(0);
            }
            if let Some(reader) = root.child("reader", Some(reader::FIELDS)) {
                settings.reader = ReaderSettings::parse(reader);
            }
        }
        // Without any space no status could tell what is wrong.
        if settings.spaces.is_empty() {
            settings.spaces = Settings::default().spaces;
            doubt = doubt.or_else(|| {
                errors
                    .first()
                    .filter(|error| error.pointer.is_empty())
                    .cloned()
            });
        }
        if let Some(error) = doubt {
            settings
                .spaces
                .values_mut()
                .for_each(|space| space.source = SourceSettings::unusable(&error));
        }
        Settings { errors, ..settings }
    }

    /// The settings of a space, if it is served here.
    pub fn space(&self, name: &str) -> Option<(&SpaceName, &SpaceSettings)> {
        self.spaces.iter().find(|(space, _)| space.as_str() == name)
    }
}

impl Default for Settings {
    /// What an absent var means.
    fn default() -> Settings {
        Settings {
            spaces: Spaces(vec![(SpaceName::default(), SpaceSettings::default())]),
            reader: ReaderSettings::default(),
            errors: Vec::new(),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() {
            "the whole"
        } else {
            &self.pointer
        };
        write!(formatter, "{place}: {}", self.message)
    }
}

fn parse_spaces(mut spaces: Section<'_, '_>) -> Spaces {
    let mut parsed = Spaces::default();
    for name in spaces.names() {
        let Some(space_name) = SpaceName::parse(name) else {
            spaces.wrong(
                name,
                format!("not a space name, expected {}", SpaceName::EXPECTED),
            );
            continue;
        };
        let mark = spaces.mark();
        let space = spaces
            .child(name, Some(space::FIELDS))
            .map(SpaceSettings::parse);
        let mut space = space.unwrap_or_default();
        if let Some(error) = spaces.first_error_since(mark) {
            space.source = SourceSettings::unusable(&error);
        }
        parsed.0.push((space_name, space));
    }
    parsed
}
