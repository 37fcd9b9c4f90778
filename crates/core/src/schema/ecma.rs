//! Regular expressions as JSON Schema writes them (ECMA-262 with the flag `u`), in the syntax of
//! `regex-lite`. The engine takes linear time; what it cannot do is refused here.

/// Any character. Classes are built of text like this, which is what the engine reads.
const ANY: &str = "\\x{0}-\\x{10FFFF}";
const LINE_ENDS: &str = "\\n\\r\\x{2028}\\x{2029}";
/// ECMA's white space is Unicode's, the engine's is ASCII's.
const SPACE: &str = "\\x{9}-\\x{D}\\x{20}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}";
const NOT_SPACE: &str = "\\x{0}-\\x{8}\\x{E}-\\x{1F}\\x{21}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}";

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

/// A pattern for the engine.
#[derive(Debug)]
pub(super) struct Translated {
    /// In its syntax.
    pub(super) text: String,
    /// About how many states it has, all repetitions counted out.
    pub(super) states: u64,
}

/// A pattern's translation.
///
/// # Errors
/// What was found and what was expected.
pub(super) fn translate(pattern: &str) -> Result<Translated, Refusal> {
    let mut pass = Pass {
        rest: pattern.chars(),
        text: String::new(),
        groups: vec![Group::default()],
    };
    while let Some(c) = pass.rest.next() {
        pass.term(c)?;
    }
    let whole = pass.groups.pop().unwrap_or_default();
    if !pass.groups.is_empty() {
        return Err(("a pattern that has a \"(\" without \")\"", ECMA));
    }
    Ok(Translated {
        text: pass.text,
        states: whole.states.saturating_add(whole.last),
    })
}

/// An open group.
#[derive(Default)]
struct Group {
    /// What its terms but the last count for.
    states: u64,
    /// What the last term counts for.
    last: u64,
    /// Whether the last term can be repeated.
    repeatable: bool,
}

struct Pass<'p> {
    rest: std::str::Chars<'p>,
    text: String,
    groups: Vec<Group>,
}

/// What an escape stands for.
enum Escaped {
    One(char),
    /// Several characters, as the inside of a class.
    Class(&'static str),
    /// A place: `\b` or `\B`.
    Place(&'static str),
}

impl Pass<'_> {
    fn term(&mut self, c: char) -> Result<(), Refusal> {
        match c {
            '^' | '$' => {
                self.text.push(c);
                self.ends_term(1, false);
            }
            '|' => {
                self.text.push(c);
                self.ends_term(1, false);
            }
            '.' => self.class(&["^", LINE_ENDS]),
            '(' => self.open()?,
            ')' => {
                let group = self.groups.pop().unwrap_or_default();
                if self.groups.is_empty() {
                    return Err(("a pattern that has a \")\" without \"(\"", ECMA));
                }
                self.text.push(')');
                self.ends_term(group.states.saturating_add(group.last), true);
            }
            '[' => self.bracket()?,
            '*' | '+' | '?' => self.repeat(c, 1)?,
            '{' => self.counted()?,
            ']' | '}' => {
                return Err((
                    "a pattern that has a bracket that closes nothing",
                    "\"\\\" before it",
                ));
            }
            '\\' => match self.escape(false)? {
                Escaped::One(c) => self.literal(c),
                Escaped::Class(inside) => self.class(&[inside]),
                Escaped::Place(place) => {
                    self.text.push_str(place);
                    self.ends_term(1, false);
                }
            },
            c => self.literal(c),
        }
        Ok(())
    }

    fn ends_term(&mut self, states: u64, repeatable: bool) {
        if let Some(group) = self.groups.last_mut() {
            group.states = group.states.saturating_add(group.last);
            group.last = states.max(1);
            group.repeatable = repeatable;
        }
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.text, c);
        // In the engine's bytes.
        self.ends_term(c.len_utf8() as u64, true);
    }

    fn class(&mut self, inside: &[&str]) {
        self.text.push('[');
        inside.iter().for_each(|part| self.text.push_str(part));
        self.text.push(']');
        self.ends_term(4, true);
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
        // Nobody asks what a group matched.
        self.text.push_str("(?:");
        self.groups.push(Group::default());
        Ok(())
    }

    fn repeat(&mut self, sign: char, times: u64) -> Result<(), Refusal> {
        let group = self.groups.last_mut();
        let Some(group) = group.filter(|group| group.repeatable) else {
            return Err((
                "a pattern that repeats nothing",
                "\"*\", \"+\", \"?\" and \"{\" after what they repeat",
            ));
        };
        group.repeatable = false;
        group.last = group.last.saturating_mul(times).saturating_add(1);
        if sign != '}' {
            self.text.push(sign);
        }
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
        let times = match most {
            "" => least.saturating_add(1),
            most => count(most).filter(|most| *most >= least).ok_or(MALFORMED)?,
        };
        self.rest = rest.chars();
        self.repeat('}', u64::from(times.max(1)))?;
        self.text.push('{');
        self.text.push_str(inside);
        self.text.push('}');
        Ok(())
    }

    fn bracket(&mut self) -> Result<(), Refusal> {
        let mut inside = String::new();
        let negated = self.rest.as_str().starts_with('^');
        if negated {
            self.rest.next();
        }
        loop {
            match self.class_item()? {
                None => break,
                Some(Escaped::One(first)) => {
                    push_literal(&mut inside, first);
                    let mut ahead = self.rest.clone();
                    if ahead.next() == Some('-') && ahead.next() != Some(']') {
                        self.rest.next();
                        match self.class_item()? {
                            Some(Escaped::One(last)) if first <= last => {
                                inside.push('-');
                                push_literal(&mut inside, last);
                            }
                            _ => {
                                return Err((
                                    "a pattern that has a range that does not go from one character up to another",
                                    ECMA,
                                ));
                            }
                        }
                    }
                }
                Some(Escaped::Class(class) | Escaped::Place(class)) => {
                    inside.push_str(class);
                    let mut ahead = self.rest.clone();
                    if ahead.next() == Some('-') && ahead.next() != Some(']') {
                        return Err(("a pattern that has a range that begins with a class", ECMA));
                    }
                }
            }
        }
        match (negated, inside.is_empty()) {
            (false, true) => self.class(&["^", ANY]),
            (true, true) => self.class(&[ANY]),
            (false, false) => self.class(&[&inside]),
            (true, false) => self.class(&["^", &inside]),
        }
        Ok(())
    }

    /// One character or escape in brackets; none at their end.
    fn class_item(&mut self) -> Result<Option<Escaped>, Refusal> {
        match self.rest.next() {
            None => Err(("a pattern that has a \"[\" without \"]\"", ECMA)),
            Some(']') => Ok(None),
            Some('\\') => self.escape(true).map(Some),
            Some(c) => Ok(Some(Escaped::One(c))),
        }
    }

    fn escape(&mut self, in_class: bool) -> Result<Escaped, Refusal> {
        let c = self
            .rest
            .next()
            .ok_or(("a pattern that ends with \"\\\"", ECMA))?;
        let one = match c {
            'd' => return Ok(Escaped::Class("\\d")),
            'D' => return Ok(Escaped::Class("\\D")),
            'w' => return Ok(Escaped::Class("\\w")),
            'W' => return Ok(Escaped::Class("\\W")),
            's' => return Ok(Escaped::Class(SPACE)),
            'S' => return Ok(Escaped::Class(NOT_SPACE)),
            'b' if in_class => '\u{8}',
            // Alone in a group: the engine has more to say with braces behind it.
            'b' => return Ok(Escaped::Place("(?:\\b)")),
            'B' if !in_class => return Ok(Escaped::Place("(?:\\B)")),
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
        Ok(Escaped::One(one))
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

fn push_literal(text: &mut String, c: char) {
    // The engine reads these two as the ends of a word when they are escaped.
    if c.is_ascii_punctuation() && c != '<' && c != '>' {
        text.push('\\');
    }
    text.push(c);
}
