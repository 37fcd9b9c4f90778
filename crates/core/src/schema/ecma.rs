//! Reads regular expressions as JSON Schema writes them: ECMA-262 with the flag `u`. What takes more
//! than linear time is refused.

use super::engine::{Node, Place, Program, Set};

type Ranges = &'static [(u32, u32)];

const DIGITS: Ranges = &[(0x30, 0x39)];
const WORD: Ranges = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
const LINE_ENDS: Ranges = &[(0xA, 0xA), (0xD, 0xD), (0x2028, 0x2029)];
/// Unicode's white space and line ends, as ECMA has them.
const SPACE: Ranges = &[
    (0x9, 0xD),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];
const LAST: u32 = 0x10_FFFF;
/// How many groups may be within each other.
const MAX_GROUPS: usize = 50;

const ECMA: &str = "a regular expression of ECMA-262 (with the flag \"u\")";
const UNSUPPORTED_LOOK: Refusal = (
    "a pattern that looks ahead or behind",
    "a pattern without \"(?=\", \"(?!\", \"(?<=\" and \"(?<!\", which take more than linear time",
);
const UNSUPPORTED_REFERENCE: Refusal = (
    "a pattern that refers back to a group",
    "a pattern without references, which take more than linear time",
);
const UNSUPPORTED_PROPERTY: Refusal = (
    "a pattern that has a Unicode class (\"\\p\")",
    "the characters themselves, as in \"[a-zà-ÿ]\"",
);
const UNSUPPORTED_FLAGS: Refusal = (
    "a pattern that has an unknown kind of group",
    "\"(\", \"(?:\" or \"(?<name>\"",
);

/// What was found, and what was expected.
pub(super) type Refusal = (&'static str, &'static str);

const NOTHING: Refusal = (
    "a pattern that repeats nothing",
    "\"*\", \"+\", \"?\" and \"{\" after what they repeat",
);
const TOO_LARGE: Refusal = (
    "a pattern that is too large",
    "at most 2000 characters and ranges, all repetitions written out, and 50 groups within each other",
);

/// A pattern, compiled.
///
/// # Errors
/// What was found and what was expected.
pub(super) fn compile(pattern: &str) -> Result<Program, Refusal> {
    let mut pass = Pass {
        rest: pattern.chars(),
        sets: Vec::new(),
        groups: vec![Group::default()],
    };
    while let Some(c) = pass.rest.next() {
        pass.term(c)?;
    }
    let whole = pass.groups.pop().unwrap_or_default();
    if !pass.groups.is_empty() {
        return Err(("a pattern that has a \"(\" without \")\"", ECMA));
    }
    Program::new(whole.alternatives(), pass.sets).map_err(|_| TOO_LARGE)
}

/// An open group.
#[derive(Default)]
struct Group {
    /// What stands before the last `|`.
    before: Vec<Vec<Node>>,
    sequence: Vec<Node>,
    /// Whether the last term can be repeated.
    repeatable: bool,
}

impl Group {
    fn alternatives(mut self) -> Vec<Vec<Node>> {
        self.before.push(self.sequence);
        self.before
    }
}

struct Pass<'p> {
    rest: std::str::Chars<'p>,
    sets: Vec<Set>,
    groups: Vec<Group>,
}

/// What an escape stands for.
enum Escaped {
    One(u32),
    /// Characters in these ranges, or all others.
    Class(Ranges, bool),
    Place(Place),
}

impl Pass<'_> {
    fn term(&mut self, c: char) -> Result<(), Refusal> {
        match c {
            '^' => self.add(Node::Place(Place::Start), false),
            '$' => self.add(Node::Place(Place::End), false),
            '|' => {
                if let Some(group) = self.groups.last_mut() {
                    group.before.push(std::mem::take(&mut group.sequence));
                    group.repeatable = false;
                }
            }
            '.' => self.class(LINE_ENDS.to_vec(), true),
            '(' => self.open()?,
            ')' => {
                let group = self.groups.pop().unwrap_or_default();
                if self.groups.is_empty() {
                    return Err(("a pattern that has a \")\" without \"(\"", ECMA));
                }
                self.add(Node::Group(group.alternatives()), true);
            }
            '[' => self.bracket()?,
            '*' => self.repeat(0, None)?,
            '+' => self.repeat(1, None)?,
            '?' => self.repeat(0, Some(1))?,
            '{' => self.counted()?,
            ']' | '}' => {
                return Err((
                    "a pattern that has a bracket that closes nothing",
                    "\"\\\" before it",
                ));
            }
            '\\' => match self.escape(false)? {
                Escaped::One(c) => self.class(vec![(c, c)], false),
                Escaped::Class(ranges, negated) => self.class(ranges.to_vec(), negated),
                Escaped::Place(place) => self.add(Node::Place(place), false),
            },
            c => self.class(vec![(c.into(), c.into())], false),
        }
        Ok(())
    }

    fn add(&mut self, node: Node, repeatable: bool) {
        if let Some(group) = self.groups.last_mut() {
            group.sequence.push(node);
            group.repeatable = repeatable;
        }
    }

    fn class(&mut self, ranges: Vec<(u32, u32)>, negated: bool) {
        self.add(Node::Set(self.sets.len()), true);
        self.sets.push(Set { ranges, negated });
    }

    fn open(&mut self) -> Result<(), Refusal> {
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('?') {
            match (ahead.next(), ahead.clone().next()) {
                (Some(':'), _) => {}
                (Some('='), _) | (Some('!'), _) | (Some('<'), Some('=' | '!')) => {
                    return Err(UNSUPPORTED_LOOK);
                }
                (Some('<'), _) => {
                    let named = ahead.by_ref().take_while(|c| *c != '>');
                    if named.count() == 0 || !self.rest.as_str().contains('>') {
                        return Err(UNSUPPORTED_FLAGS);
                    }
                }
                _ => return Err(UNSUPPORTED_FLAGS),
            }
            self.rest = ahead;
        }
        if self.groups.len() > MAX_GROUPS {
            return Err(TOO_LARGE);
        }
        // Nobody asks what a group matched.
        self.groups.push(Group::default());
        Ok(())
    }

    fn repeat(&mut self, least: u32, most: Option<u32>) -> Result<(), Refusal> {
        let group = self.groups.last_mut();
        let group = group.filter(|group| group.repeatable).ok_or(NOTHING)?;
        group.repeatable = false;
        let node = group.sequence.pop().ok_or(NOTHING)?;
        group
            .sequence
            .push(Node::Repeat(Box::new(node), least, most));
        // Lazy or not: whether there is a match does not depend on it.
        if self.rest.as_str().starts_with('?') {
            self.rest.next();
        }
        Ok(())
    }

    fn counted(&mut self) -> Result<(), Refusal> {
        const MALFORMED: Refusal = (
            "a pattern that has a \"{\" that is no repetition",
            "\"{2}\", \"{2,}\", \"{2,5}\" or \"\\{\"",
        );
        let (inside, rest) = self.rest.as_str().split_once('}').ok_or(MALFORMED)?;
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let count = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| plain)
        };
        let least = count(least).ok_or(MALFORMED)?;
        let most = match most {
            "" => None,
            most => Some(count(most).filter(|most| *most >= least).ok_or(MALFORMED)?),
        };
        self.rest = rest.chars();
        self.repeat(least, most)
    }

    fn bracket(&mut self) -> Result<(), Refusal> {
        const RANGE: Refusal = (
            "a pattern that has a range that does not go from one character up to another",
            ECMA,
        );
        let mut ranges = Vec::new();
        let negated = self.rest.as_str().starts_with('^');
        if negated {
            self.rest.next();
        }
        while let Some(item) = self.class_item()? {
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next() != Some(']');
            match item {
                Escaped::One(first) if is_range => {
                    self.rest.next();
                    match self.class_item()? {
                        Some(Escaped::One(last)) if first <= last => ranges.push((first, last)),
                        _ => return Err(RANGE),
                    }
                }
                Escaped::One(c) => ranges.push((c, c)),
                _ if is_range => return Err(RANGE),
                Escaped::Class(class, false) => ranges.extend_from_slice(class),
                Escaped::Class(class, true) => {
                    let mut next = 0;
                    for (first, last) in class {
                        ranges.push((next, first - 1));
                        next = last + 1;
                    }
                    ranges.push((next, LAST));
                }
                Escaped::Place(_) => {}
            }
        }
        self.class(ranges, negated);
        Ok(())
    }

    /// One character or escape in brackets; none at their end.
    fn class_item(&mut self) -> Result<Option<Escaped>, Refusal> {
        match self.rest.next() {
            None => Err(("a pattern that has a \"[\" without \"]\"", ECMA)),
            Some(']') => Ok(None),
            Some('\\') => self.escape(true).map(Some),
            Some(c) => Ok(Some(Escaped::One(c.into()))),
        }
    }

    fn escape(&mut self, in_class: bool) -> Result<Escaped, Refusal> {
        let c = self
            .rest
            .next()
            .ok_or(("a pattern that ends with \"\\\"", ECMA))?;
        let one = match c {
            'd' => return Ok(Escaped::Class(DIGITS, false)),
            'D' => return Ok(Escaped::Class(DIGITS, true)),
            'w' => return Ok(Escaped::Class(WORD, false)),
            'W' => return Ok(Escaped::Class(WORD, true)),
            's' => return Ok(Escaped::Class(SPACE, false)),
            'S' => return Ok(Escaped::Class(SPACE, true)),
            'b' if in_class => '\u{8}',
            'b' => return Ok(Escaped::Place(Place::WordEnd(true))),
            'B' if !in_class => return Ok(Escaped::Place(Place::WordEnd(false))),
            'p' | 'P' => return Err(UNSUPPORTED_PROPERTY),
            'k' | '1'..='9' => return Err(UNSUPPORTED_REFERENCE),
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            '0' if !self.rest.as_str().starts_with(|c: char| c.is_ascii_digit()) => '\0',
            'c' => {
                let letter = self.rest.next().filter(char::is_ascii_alphabetic);
                letter
                    .and_then(|letter| char::from_u32(u32::from(letter) % 32))
                    .ok_or(("a pattern that has a \"\\c\" without a letter", ECMA))?
            }
            'x' => self
                .hexadecimal(2)
                .and_then(char::from_u32)
                .ok_or(BAD_NUMBER)?,
            'u' => self.unicode().ok_or(BAD_NUMBER)?,
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
            | '/' => c,
            '-' if in_class => c,
            _ => {
                return Err((
                    "a pattern that has an unknown escape",
                    "one of ECMA-262 (with the flag \"u\"), in JSON with two backslashes",
                ));
            }
        };
        Ok(Escaped::One(one.into()))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest.as_str().get(..digits)?;
        let value = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok().filter(|_| value)?;
        self.rest = self.rest.as_str().get(digits..)?.chars();
        Some(value)
    }

    /// What follows `\u`: `{1F600}`, `00e9`, or two halves of a surrogate pair.
    fn unicode(&mut self) -> Option<char> {
        if self.rest.as_str().starts_with('{') {
            let (digits, _) = self.rest.as_str().get(1..)?.split_once('}')?;
            self.rest.next();
            let value = self.hexadecimal(digits.len())?;
            self.rest.next();
            return char::from_u32(value);
        }
        let first = self.hexadecimal(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        if self.rest.next() != Some('\\') || self.rest.next() != Some('u') {
            return None;
        }
        let second = self.hexadecimal(4)?.checked_sub(0xDC00)?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + second).filter(|_| second < 0x400)
    }
}

const BAD_NUMBER: Refusal = (
    "a pattern that has a \"\\x\" or \"\\u\" that is no character",
    "\"\\xE9\", \"\\u00E9\" or \"\\u{1F600}\"",
);
