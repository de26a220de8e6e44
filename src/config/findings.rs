//! The problems found so far.

use super::Problem;
use super::key::Key;
use super::layers::Layers;

/// Collects problems, each with the place of its key.
pub(super) struct Findings<'a> {
    layers: &'a Layers,
    found: Vec<(Key, Problem)>,
    /// Found by others, their places known.
    others: Vec<Problem>,
}

impl<'a> Findings<'a> {
    /// None so far.
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self { layers, found: Vec::new(), others: Vec::new() }
    }

    /// The layers it finds places in.
    pub(super) fn layers(&self) -> &'a Layers {
        self.layers
    }

    /// Adds a problem with `key`, unless one with it, or with what contains it, is known: a value that could not
    /// be read has been replaced by its default, about which there is nothing to say.
    pub(super) fn add(&mut self, key: &Key, message: impl Into<String>) {
        if !self.broken(key) {
            let problem = Problem::new(self.layers.place(key), key, message);
            self.found.push((key.clone(), problem));
        }
    }

    /// Whether a problem with `key`, or with what contains it, is known.
    pub(super) fn broken(&self, key: &Key) -> bool {
        self.found.iter().any(|(known, _)| key.within(known))
    }

    /// Whether a problem with `key`, or with a part of it, is known.
    pub(super) fn touches(&self, key: &Key) -> bool {
        self.found.iter().any(|(known, _)| known.within(key))
    }

    /// Adds what others found.
    pub(super) fn extend(&mut self, problems: Vec<Problem>) {
        self.others.extend(problems);
    }

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.others.is_empty()
    }

    /// All of them, in reading order.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems: Vec<Problem> =
            self.found.into_iter().map(|(_, problem)| problem).chain(self.others).collect();
        Problem::sort(&mut problems);
        problems
    }
}
