// Regular expressions as JSON Schema writes them (ECMA-262 with the flag "u"), matched in time linear in the text: all
// ways to match are followed at once, so none is ever taken back. What needs more is refused. V8 reads a pattern first,
// which says whether it is one; it is never asked to match.

// The size of one pattern at most: characters, places and ranges, all repetitions written out.
export const MAX_SIZE = 2_000;
// How many groups may be within each other.
const MAX_GROUPS = 50;

const LAST = 0x10ffff;
const CLASSES = {
  d: [[0x30, 0x39]],
  w: [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]],
  // Unicode's white space and line ends, as ECMA has them.
  s: [
    [0x9, 0xd], [0x20, 0x20], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a],
    [0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000], [0xfeff, 0xfeff],
  ],
}; // prettier-ignore
const LINE_ENDS = [[0xa, 0xa], [0xd, 0xd], [0x2028, 0x2029]]; // prettier-ignore
const CONTROLS = { t: 0x9, n: 0xa, v: 0xb, f: 0xc, r: 0xd, 0: 0 };

// Why a pattern cannot be used: what was found, and what was expected.
export class Refusal {
  constructor(found, expected) {
    this.found = `a pattern that ${found}`;
    this.expected = expected;
  }
}

const refuse = (found, expected) => {
  throw new Refusal(found, expected);
};
const tooLarge = () =>
  refuse("is too large", `at most ${MAX_SIZE} characters and ranges, all repetitions written out, and ${MAX_GROUPS} groups within each other`);

// The pattern with `size` and `test(text)`. Throws a Refusal.
export function compile(pattern) {
  try {
    new RegExp(pattern, "u");
  } catch ({ message }) {
    refuse(`cannot be read (${message.split(": ").pop()})`, 'a regular expression of ECMA-262 (with the flag "u")');
  }
  const program = { size: 0, seesWords: false };
  const start = alternatives(new Reader(pattern), 0)({ matched: true, id: 0 }, program);
  const walk = new Walk(start, !program.seesWords);
  return { size: program.size + 1, test: (text) => walk.matches(text) };
}

// A part of a pattern is a function that makes the states for it, which lead to `next`, and gives the first of them.
const state = (cost, made) => (next, program) => {
  program.size += cost;
  if (program.size >= MAX_SIZE) tooLarge();
  return { ...made, next, id: program.size };
};
const place = (at) => state(1, { at });
const set = (ranges, negated) =>
  state(1 + ranges.length, { has: (c) => ranges.some(([first, last]) => first <= c && c <= last) !== negated });
const split = (next, program, cost = 1) => state(cost, { ways: [] })(next, program);

const isWord = (c) => c !== undefined && CLASSES.w.some(([first, last]) => first <= c && c <= last);
const wordEnd = (wanted) => (next, program) => {
  program.seesWords = true;
  return place((before, after) => (isWord(before) !== isWord(after)) === wanted)(next, program);
};

class Reader {
  constructor(pattern) {
    this.rest = [...pattern];
    this.at = 0;
  }
  peek(ahead = 0) {
    return this.rest[this.at + ahead];
  }
  next() {
    return this.rest[this.at++];
  }
  take(text) {
    const found = [...text].every((c, index) => this.peek(index) === c);
    if (found) this.at += text.length;
    return found;
  }
  // Everything up to `end`, which is taken, too.
  until(end) {
    const start = this.at;
    while (this.next() !== end);
    return this.rest.slice(start, this.at - 1).join("");
  }
  hexadecimal(digits) {
    this.at += digits;
    return parseInt(this.rest.slice(this.at - digits, this.at).join(""), 16);
  }
}

// All up to the end of the group, or of the pattern.
function alternatives(reader, depth) {
  if (depth > MAX_GROUPS) tooLarge();
  const ways = [[]];
  for (let c = reader.next(); c !== undefined && c !== ")"; c = reader.next()) {
    if (c === "|") ways.push([]);
    else ways.at(-1).push(repeated(term(c, reader, depth), reader));
  }
  const sequences = ways.map((parts) => (next, program) => parts.reduceRight((after, part) => part(after, program), next));
  if (sequences.length === 1) return sequences[0];
  return (next, program) => {
    const fork = split(next, program, sequences.length);
    fork.ways = sequences.map((sequence) => sequence(next, program));
    return fork;
  };
}

function term(c, reader, depth) {
  if (c === "^") return place((before) => before === undefined);
  if (c === "$") return place((_, next) => next === undefined);
  if (c === ".") return set(LINE_ENDS, true);
  if (c === "[") return bracket(reader);
  if (c === "(") {
    if (reader.take("?")) group(reader);
    return alternatives(reader, depth + 1);
  }
  if (c !== "\\") return set([[c.codePointAt(0), c.codePointAt(0)]], false);
  if (reader.take("b")) return wordEnd(true);
  if (reader.take("B")) return wordEnd(false);
  return set(escape(reader), false);
}

// Nobody asks what a group matched, so its name does not matter.
function group(reader) {
  if (reader.take(":")) return;
  const isNamed = reader.take("<") && reader.peek() !== "=" && reader.peek() !== "!";
  if (isNamed) return reader.until(">");
  if ("=!".includes(reader.peek())) {
    refuse("looks ahead or behind", 'a pattern without "(?=", "(?!", "(?<=" and "(?<!", which take more than linear time');
  }
  refuse("has an unknown kind of group", '"(", "(?:" or "(?<name>"');
}

function repeated(part, reader) {
  let [least, most] = [0, Infinity];
  if (reader.take("?")) most = 1;
  else if (reader.take("+")) least = 1;
  else if (reader.take("{")) {
    const [first, second] = reader.until("}").split(",");
    least = Number(first);
    if (second !== "") most = Number(second ?? first);
  } else if (!reader.take("*")) return part;
  // Lazy or not: whether there is a match does not depend on it.
  reader.take("?");
  return (next, program) => {
    let first = next;
    if (most === Infinity) {
      first = split(next, program);
      first.ways = [part(first, program), next];
    } else {
      for (let count = least; count < most; count += 1) {
        const fork = split(next, program);
        fork.ways = [part(first, program), next];
        first = fork;
      }
    }
    for (let count = 0; count < least; count += 1) {
      const before = program.size;
      first = part(first, program);
      // It matches nothing but the empty text, however often.
      if (program.size === before) break;
    }
    return first;
  };
}

function bracket(reader) {
  const negated = reader.take("^");
  const ranges = [];
  while (!reader.take("]")) {
    const item = classItem(reader);
    if (reader.peek() === "-" && reader.peek(1) !== "]") {
      reader.next();
      ranges.push([item[0][0], classItem(reader)[0][1]]);
    } else {
      ranges.push(...item);
    }
  }
  return set(ranges, negated);
}

function classItem(reader) {
  const c = reader.next();
  if (c !== "\\") return [[c.codePointAt(0), c.codePointAt(0)]];
  return reader.take("b") ? [[0x8, 0x8]] : escape(reader);
}

// The ranges that an escape stands for.
function escape(reader) {
  const c = reader.next();
  const lower = c.toLowerCase();
  if (Object.hasOwn(CLASSES, lower)) return c === lower ? CLASSES[c] : others(CLASSES[lower]);
  if (lower === "p") refuse('has a Unicode class ("\\p")', 'the characters themselves, as in "[a-zà-ÿ]"');
  if (c === "k" || (c >= "1" && c <= "9")) {
    refuse("refers back to a group", "a pattern without references, which take more than linear time");
  }
  let value = c.codePointAt(0);
  if (Object.hasOwn(CONTROLS, c)) value = CONTROLS[c];
  else if (c === "c") value = reader.next().codePointAt(0) % 32;
  else if (c === "x") value = reader.hexadecimal(2);
  else if (c === "u") value = unicode(reader);
  return [[value, value]];
}

// What follows `\u`: `{1F600}`, `00e9`, or two halves of a surrogate pair.
function unicode(reader) {
  if (reader.take("{")) return parseInt(reader.until("}"), 16);
  const first = reader.hexadecimal(4);
  if (first < 0xd800 || first > 0xdbff || !reader.take("\\u")) return first;
  const second = reader.hexadecimal(4);
  if (second >= 0xdc00 && second <= 0xdfff) return 0x10000 + ((first - 0xd800) << 10) + second - 0xdc00;
  reader.at -= 6;
  return first;
}

function others(ranges) {
  const between = ranges.map(([first], index) => [index === 0 ? 0 : ranges[index - 1][1] + 1, first - 1]);
  return [...between, [ranges.at(-1)[1] + 1, LAST]];
}

// States that a text led to carry the number of the last round that met them; rounds are never counted anew.
let round = 0;
// How much one pattern remembers at most: states, and ways from one set of them to the next.
const MAX_REMEMBERED = 20_000;

// Follows all ways to match at once. Inside a text it depends on a set of states and a character only where they lead,
// so that is remembered; unless the pattern looks at the ends of words.
class Walk {
  #sets = new Map();
  #remembered = 0;

  constructor(start, remembers) {
    this.start = start;
    this.remembers = remembers;
  }

  matches(text) {
    let set = { states: [], ways: new Map() };
    let before;
    for (let at = 0; ; ) {
      const next = text.codePointAt(at);
      const isInside = this.remembers && before !== undefined && next !== undefined;
      set = isInside ? this.#remember(set, before, next) : this.#step(set, before, next);
      if (set === MATCHED) return true;
      if (next === undefined) return false;
      at += next > 0xffff ? 2 : 1;
      before = next;
    }
  }

  #remember(set, before, next) {
    let to = set.ways.get(next);
    if (to === undefined) {
      to = this.#step(set, before, next);
      set.ways.set(next, to);
      this.#remembered += 1;
    }
    return to;
  }

  #step({ states }, before, next) {
    const open = [...states];
    const after = [];
    round += 1;
    // A match may begin at every place.
    open.push(this.start);
    while (open.length > 0) {
      const state = open.pop();
      if (state.round === round) continue;
      state.round = round;
      if (state.matched) return MATCHED;
      if (state.ways) open.push(...state.ways);
      else if (state.at) state.at(before, next) && open.push(state.next);
      else if (next !== undefined && state.has(next)) after.push(state.next);
    }
    return this.#set(after);
  }

  // Equal sets are one, so that what is remembered of it serves all.
  #set(states) {
    const key = states.map(({ id }) => id).join();
    const known = this.#sets.get(key);
    if (known) return known;
    if (this.#remembered > MAX_REMEMBERED) {
      this.#sets.clear();
      this.#remembered = 0;
    }
    const set = { states, ways: new Map() };
    this.#sets.set(key, set);
    this.#remembered += states.length + 1;
    return set;
  }
}

const MATCHED = Symbol("matched");
