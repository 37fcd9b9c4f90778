//! Matches patterns in time linear in the text: all ways to match are followed at once, so none is
//! ever taken back. By hand: `regex-lite` is 19 KB larger in a bundle (gzipped), and its syntax is
//! another one. The tests compare both.

/// How large a compiled pattern may be: its instructions, all repetitions written out, and the
/// ranges that they look at.
pub(super) const MAX_SIZE: usize = 2_000;

/// A part of a pattern.
#[derive(Debug)]
pub(super) enum Node {
    /// One character, by the number of its set.
    Set(usize),
    Place(Place),
    /// Alternatives, each a sequence.
    Group(Vec<Vec<Node>>),
    /// So often at least, and so often at most.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// A place between two characters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Start,
    End,
    /// Whether it is at one end of a word.
    WordEnd(bool),
}

/// Characters: those in the ranges, or all others.
#[derive(Debug, Default)]
pub(super) struct Set {
    pub(super) ranges: Vec<(u32, u32)>,
    pub(super) negated: bool,
}

/// A compiled pattern.
#[derive(Debug, Default)]
pub(super) struct Program {
    steps: Vec<Step>,
    sets: Vec<Set>,
    /// Ranges looked at by all steps.
    ranges: usize,
}

#[derive(Debug)]
enum Step {
    Set(usize),
    Place(Place),
    /// On with the next one and with this one.
    Split(usize),
    Jump(usize),
    Match,
}

/// The pattern is larger than [`MAX_SIZE`].
pub(super) struct TooLarge;

impl Program {
    pub(super) fn new(alternatives: Vec<Vec<Node>>, sets: Vec<Set>) -> Result<Program, TooLarge> {
        let mut program = Program {
            sets,
            ..Program::default()
        };
        program.emit(&Node::Group(alternatives))?;
        program.push(Step::Match)?;
        Ok(program)
    }

    /// What one character of text costs at most.
    pub(super) fn size(&self) -> usize {
        self.steps.len() + self.ranges
    }

    /// Whether it matches somewhere in the text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut seen = vec![0_usize; self.steps.len()];
        let (mut open, mut after) = (Vec::new(), Vec::new());
        let mut before = None;
        let mut rest = text.chars();
        for round in 1.. {
            let next = rest.next();
            // A match may begin at every place.
            open.push(0);
            while let Some(at) = open.pop() {
                match seen.get_mut(at) {
                    Some(seen) if *seen != round => *seen = round,
                    _ => continue,
                }
                match self.steps.get(at) {
                    Some(Step::Match) => return true,
                    Some(Step::Jump(to)) => open.push(*to),
                    Some(Step::Split(to)) => open.extend([at + 1, *to]),
                    Some(Step::Place(place)) if place.is_at(before, next) => open.push(at + 1),
                    Some(Step::Set(set)) if self.has(*set, next) => after.push(at + 1),
                    _ => {}
                }
            }
            if next.is_none() {
                break;
            }
            before = next;
            std::mem::swap(&mut open, &mut after);
        }
        false
    }

    fn has(&self, set: usize, c: Option<char>) -> bool {
        let (Some(set), Some(c)) = (self.sets.get(set), c) else {
            return false;
        };
        let c = u32::from(c);
        let mut ranges = set.ranges.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&c)) != set.negated
    }

    fn push(&mut self, step: Step) -> Result<usize, TooLarge> {
        self.steps.push(step);
        if self.size() > MAX_SIZE {
            return Err(TooLarge);
        }
        Ok(self.steps.len() - 1)
    }

    /// Makes these splits and jumps lead to what comes next.
    fn lead_on(&mut self, from: Vec<usize>) {
        let here = self.steps.len();
        for at in from {
            if let Some(Step::Split(to) | Step::Jump(to)) = self.steps.get_mut(at) {
                *to = here;
            }
        }
    }

    /// Groups are nested within limits, so the recursion is bounded.
    fn emit(&mut self, node: &Node) -> Result<(), TooLarge> {
        match node {
            Node::Set(set) => {
                self.ranges += self.sets.get(*set).map_or(0, |set| set.ranges.len());
                self.push(Step::Set(*set))?;
            }
            Node::Place(place) => _ = self.push(Step::Place(*place))?,
            Node::Group(alternatives) => {
                let mut ends = Vec::new();
                for (index, sequence) in alternatives.iter().enumerate() {
                    let is_last = index + 1 == alternatives.len();
                    let split = if is_last {
                        None
                    } else {
                        Some(self.push(Step::Split(0))?)
                    };
                    for node in sequence {
                        self.emit(node)?;
                    }
                    if let Some(split) = split {
                        ends.push(self.push(Step::Jump(0))?);
                        self.lead_on(vec![split]);
                    }
                }
                self.lead_on(ends);
            }
            Node::Repeat(node, least, most) => self.repeat(node, *least, *most)?,
        }
        Ok(())
    }

    fn repeat(&mut self, node: &Node, least: u32, most: Option<u32>) -> Result<(), TooLarge> {
        for _ in 0..least {
            let before = self.steps.len();
            self.emit(node)?;
            if self.steps.len() == before {
                // It matches nothing but the empty text, however often.
                return Ok(());
            }
        }
        let mut ends = Vec::new();
        match most {
            None => {
                let split = self.push(Step::Split(0))?;
                ends.push(split);
                self.emit(node)?;
                self.push(Step::Jump(split))?;
            }
            Some(most) => {
                for _ in least..most {
                    ends.push(self.push(Step::Split(0))?);
                    self.emit(node)?;
                }
            }
        }
        self.lead_on(ends);
        Ok(())
    }
}

impl Place {
    fn is_at(self, before: Option<char>, next: Option<char>) -> bool {
        let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        match self {
            Place::Start => before.is_none(),
            Place::End => next.is_none(),
            Place::WordEnd(wanted) => (word(before) != word(next)) == wanted,
        }
    }
}
