//! Where the references of a schema lead: always to a schema in the same document.

use super::compile::Pass;
use super::index::Index;
use super::uri::{decode, resolve};
use crate::reason::clip;

/// The longest reference that a refusal shows, in characters.
const SHOWN_CHARS: usize = 128;

/// What is known of a schema's places while it is walked over.
#[derive(Default)]
pub(super) struct References {
    /// Every place that holds a schema, in the order of the walk.
    places: Vec<Place>,
    by_pointer: Index,
    /// The document, and every schema in it with an `$id`.
    resources: Vec<Resource>,
    by_uri: Index,
    /// The resources around the place that is walked over.
    open: Vec<usize>,
    anchors: Vec<Anchor>,
    by_name: Index,
    made: Vec<Reference>,
}

struct Place {
    pointer: String,
    /// The places that apply to the same value when this one does.
    in_place: Vec<usize>,
}

struct Resource {
    uri: String,
    pointer: String,
}

struct Anchor {
    name: String,
    place: usize,
    dynamic: bool,
}

struct Reference {
    text: String,
    pointer: String,
    from: usize,
    resource: usize,
    dynamic: bool,
}

/// A place that was entered.
pub(super) struct Entered {
    /// Its number.
    pub(super) node: usize,
    /// What is there already under its `$id`.
    pub(super) declared: Result<(), String>,
}

impl References {
    /// Goes into a schema; `leave` comes for each that is an object.
    pub(super) fn enter(
        &mut self,
        pointer: &str,
        within: Option<usize>,
        id: Option<&str>,
    ) -> Entered {
        let node = self.places.len();
        if let Some(outer) = within.and_then(|outer| self.places.get_mut(outer)) {
            outer.in_place.push(node);
        }
        self.by_pointer.insert(pointer, node);
        self.places.push(Place {
            pointer: pointer.to_owned(),
            in_place: Vec::new(),
        });
        let mut declared = Ok(());
        if id.is_some() || self.resources.is_empty() {
            let id = id.unwrap_or_default().trim_end_matches('#');
            let uri = resolve(self.base(), id);
            if !self.by_uri.insert(&uri, self.resources.len()) {
                declared = Err("an \"$id\" that the document has twice".to_owned());
            }
            // The document's own entry stays open to the end.
            if self.resources.is_empty() && !id.is_empty() {
                self.open.push(0);
            }
            self.open.push(self.resources.len());
            self.resources.push(Resource {
                uri,
                pointer: pointer.to_owned(),
            });
        }
        Entered { node, declared }
    }

    /// Goes out of a schema.
    pub(super) fn leave(&mut self, had_id: bool) {
        if had_id && self.open.len() > 1 {
            self.open.pop();
        }
    }

    /// Names a place.
    pub(super) fn anchor(&mut self, name: &str, place: usize, dynamic: bool) -> Result<(), String> {
        let resource = self.current();
        if !self
            .by_name
            .insert(&full_name(resource, name), self.anchors.len())
        {
            return Err("an anchor that the document has twice".to_owned());
        }
        self.anchors.push(Anchor {
            name: name.to_owned(),
            place,
            dynamic,
        });
        Ok(())
    }

    /// Notes a reference; gives its number.
    pub(super) fn refer(&mut self, text: &str, pointer: &str, from: usize, dynamic: bool) -> usize {
        self.made.push(Reference {
            text: text.to_owned(),
            pointer: pointer.to_owned(),
            from,
            resource: self.current(),
            dynamic,
        });
        self.made.len() - 1
    }

    /// Where each reference leads; those that lead nowhere, and loops, are refused.
    pub(super) fn resolve(mut self, pass: &Pass) -> Vec<String> {
        let mut targets = Vec::new();
        let mut edges = Vec::new();
        for reference in &self.made {
            match self.target(reference) {
                Ok(place) => {
                    targets.push(self.pointer(place).to_owned());
                    edges.push((reference.from, place));
                }
                Err(expected) => {
                    let found = format!("the reference {:?}", clip(&reference.text, SHOWN_CHARS));
                    pass.refuse(&reference.pointer, &found, expected);
                    targets.push(String::new());
                }
            }
        }
        for (from, place) in edges {
            if let Some(from) = self.places.get_mut(from) {
                from.in_place.push(place);
            }
        }
        if let Some(place) = self.find_loop() {
            pass.refuse(
                self.pointer(place),
                "references that lead back here for the same value",
                "that each round goes deeper into the document",
            );
        }
        targets
    }

    fn target(&self, reference: &Reference) -> Result<usize, &'static str> {
        const OUTSIDE: &str =
            "one that leads to an \"$id\" in this document: schemas elsewhere are not fetched";
        const NOWHERE: &str = "one that leads to a schema in this document";
        const SEVERAL: &str = "just one \"$dynamicAnchor\" of this name in the document";
        let (uri, fragment) = reference
            .text
            .split_once('#')
            .unwrap_or((&reference.text, ""));
        let resource = if uri.is_empty() {
            Some(reference.resource)
        } else {
            let base = self.resources.get(reference.resource);
            let uri = resolve(base.map_or("", |base| &base.uri), uri);
            self.by_uri.get(&uri)
        };
        let resource = resource.ok_or(OUTSIDE)?;
        let fragment = decode(fragment).ok_or(NOWHERE)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            let root = self
                .resources
                .get(resource)
                .map_or("", |root| &root.pointer);
            let pointer = format!("{root}{fragment}");
            return self.by_pointer.get(&pointer).ok_or(NOWHERE);
        }
        let anchor = self.by_name.get(&full_name(resource, &fragment));
        let anchor = anchor.and_then(|at| self.anchors.get(at)).ok_or(NOWHERE)?;
        // With one of its name, the outermost is the nearest is this one.
        let same = |other: &&Anchor| other.dynamic && other.name == anchor.name;
        if reference.dynamic && anchor.dynamic && self.anchors.iter().filter(same).count() > 1 {
            return Err(SEVERAL);
        }
        Ok(anchor.place)
    }

    /// A place that leads back to itself without going deeper into the document. Takes away, again
    /// and again, the places that lead nowhere: what stays leads to a loop. Without recursion, as
    /// chains may be long.
    fn find_loop(&self) -> Option<usize> {
        let mut open: Vec<usize> = self
            .places
            .iter()
            .map(|place| place.in_place.len())
            .collect();
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.places.len()];
        for (from, place) in self.places.iter().enumerate() {
            for to in &place.in_place {
                if let Some(list) = before.get_mut(*to) {
                    list.push(from);
                }
            }
        }
        let mut done: Vec<usize> = (0..open.len())
            .filter(|place| open.get(*place) == Some(&0))
            .collect();
        while let Some(place) = done.pop() {
            for from in before.get(place).into_iter().flatten() {
                if let Some(count) = open.get_mut(*from) {
                    *count -= 1;
                    if *count == 0 {
                        done.push(*from);
                    }
                }
            }
        }
        let is_left = |place: &usize| open.get(*place).is_some_and(|count| *count > 0);
        let mut place = (0..open.len()).find(is_left)?;
        // After as many steps as there are places, the walk is in the loop.
        for _ in 0..self.places.len() {
            let next = self
                .places
                .get(place)?
                .in_place
                .iter()
                .copied()
                .find(is_left);
            place = next?;
        }
        Some(place)
    }

    fn current(&self) -> usize {
        self.open.last().copied().unwrap_or_default()
    }

    fn base(&self) -> &str {
        self.resources
            .get(self.current())
            .map_or("", |resource| &resource.uri)
    }

    fn pointer(&self, place: usize) -> &str {
        self.places.get(place).map_or("", |place| &place.pointer)
    }
}

/// An anchor's name within its resource.
fn full_name(resource: usize, name: &str) -> String {
    format!("{resource}#{name}")
}
