// Patterns against V8's own, which is right and may take for ever.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, MAX_SIZE, Refusal } from "../../src/schema/pattern.mjs";
import { random, seed } from "./support.mjs";

// What ECMA says of a pattern: texts that it matches, and texts that it does not.
const MEANT = [
  ["", ["", "x"], []],
  ["b", ["abc"], ["ac"]],
  ["^a.c$", ["abc", "a😀c"], ["a\nc", "a\rc", "a\u2028c", "abcd", "abc\n"]],
  ["^(a|bc)+$", ["abca"], ["", "ab"]],
  ["^(?:a|)$", ["a", ""], ["b"]],
  ["^(?<name>x)y$", ["xy"], ["x"]],
  ["^[a-c-]+$", ["a-b"], ["d"]],
  ["^[^a-c]$", ["d", "\n"], ["a", "dd"]],
  ["^[[&&~~<>-]+$", ["[&~-<>"], ["]"]],
  ["[]", [], ["", "a"]],
  ["^[^]$", ["\n", "a"], ["", "aa"]],
  ["^\\d\\D$", ["5x", "5٣"], ["٣x", "55"]],
  ["^\\w\\W$", ["a-", "_é"], ["éa"]],
  ["^\\s$", [" ", "\ufeff", "\u3000", "\v", "\u00a0"], ["x", "\u180e"]],
  ["^[\\S\\n]$", ["x", "\n"], [" ", "\t", "\u3000"]],
  ["^[\\s\\d]+$", ["1 2\u2003"], ["x"]],
  ["\\bfoo\\b", ["a foo b"], ["foot"]],
  ["o\\B", ["oh"], ["no"]],
  ["^\\cJ\\x41\\u0042\\u{1F600}\\uD83D\\uDE00$", ["\nAB😀😀"], ["AB"]],
  ["^[\\b]\\0$", ["\b\0"], ["b0"]],
  ["^\\/\\.\\*\\[\\{\\|\\$\\^$", ["/.*[{|$^"], ["x"]],
  ["^a{2}b{1,}c{0,2}d{0}$", ["aab", "aabbbcc"], ["ab", "aabccc", "aabd"]],
  ["^a+?b*?c??$", ["aab", "a"], ["b"]],
  ["^a<b>#c \"&'~`@%,;:=!-_$", ["a<b>#c \"&'~`@%,;:=!-_"], ["ab"]],
  ["^ñ$", ["ñ"], ["n"]],
];

// What the engine lacks, and what is no pattern.
const REFUSED = [
  "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a)\\1", "(?<n>a)\\k<n>", "\\p{L}", "\\P{Lu}", "[\\p{L}]",
  "(?i)a", "(?i:a)", "(?P<n>a)", "(?<>a)", "(?<n", "(?", "(", ")", "a)", "[", "[a", "]", "}",
  "{", "a{", "a{x}", "a{1,0}", "a{,2}", "a{1", "a{+1}", "*", "+a", "a**", "a{1}{2}", "^*", "|*",
  "(*)", "\\", "\\a", "\\e", "\\-", "\\A", "\\z", "\\<", "\\ ", "\\c", "\\c1", "\\x4", "\\xG1",
  "\\u12", "\\u{}", "\\u{110000}", "\\01", "\\8", "[b-a]", "[a-\\d]", "[\\d-z]", "[\\B]", "a{1001}",
  "\\b{2}", "(a{50}){50}", "((((a{9}){9}){9}){9}){9}", "a{4294967296}",
]; // prettier-ignore

const isRefused = (pattern) => {
  try {
    compile(pattern);
    return false;
  } catch (error) {
    assert.ok(error instanceof Refusal, `${pattern}: ${error.stack}`);
    return true;
  }
};

test("patterns mean what ECMA says", () => {
  for (const [pattern, yes, no] of MEANT) {
    for (const text of yes) assert.ok(compile(pattern).test(text), `${pattern} ${JSON.stringify(text)}`);
    for (const text of no) assert.ok(!compile(pattern).test(text), `${pattern} ${JSON.stringify(text)}`);
  }
});

test("what the engine lacks or ECMA refuses is refused", () => {
  for (const pattern of REFUSED) assert.ok(isRefused(pattern), pattern);
  assert.ok(isRefused("(".repeat(10_000) + "a" + ")".repeat(10_000)));
});

// The engine takes linear time: these would not end in a lifetime where matching goes back.
test("no pattern takes exponential time", () => {
  for (const [pattern, length] of [
    ["^(a+)+$", 100_000],
    ["(a|a)*b", 100_000],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", 10_000],
    ["(.*a){12}b", 10_000],
    ["(a?){30}a{30}b", 10_000],
  ]) {
    assert.ok(!compile(pattern).test(`${"a".repeat(length)}!`), pattern);
  }
  assert.ok(compile("(a+)+$").test("a".repeat(100_000)));
});

test("size is limited with repetitions written out", () => {
  // A character and a range each, and the end.
  const most = (MAX_SIZE - 1) >> 1;
  assert.ok(!isRefused(`a{${most}}`));
  assert.ok(isRefused(`a{${most + 1}}`));
  // Nothing is nothing, however often.
  assert.ok(compile("^(?:){4000000000}(?:a{0}){4000000000}(?:)*$").test(""));
  assert.ok(!isRefused("(".repeat(50) + "a" + ")".repeat(50)));
  assert.ok(isRefused("(".repeat(51) + "a" + ")".repeat(51)));
});

test("what matches is what V8 matches", () => {
  const below = random(seed);
  const pick = (list) => list[below(list.length)];
  const some = (most, make) => Array.from({ length: below(most + 1) }, make);
  const atoms = ["a", "b", "ab", "[ab]", "[^a]", "[a-c_]", "[]", "[^]", "[\\s\\D-]", ".", "\\d", "\\W", "\\w", "^", "$", "\\b", "\\B",
    "é", "", "\\u{1F600}", "\\uD83D", "\\x41", "[\\b\\cA\\u0061-\\x63]"]; // prettier-ignore
  const repeats = ["*", "+", "?", "*?", "{2}", "{1,}", "{0,2}", "{2,3}?", "{0}", ""];
  const pattern = (depth) => {
    if (depth === 0 || below(4) === 0) return pick(atoms);
    const parts = [pattern(depth - 1), ...some(2, () => pattern(depth - 1))];
    return below(2) ? `(?:${parts.join("")})${pick(repeats)}` : `(${parts.join("|")})`;
  };
  let compared = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const written = pattern(4);
    const text = some(12, () => pick([..."abc1_ é-😀A"])).join("");
    // V8 finds a place within a surrogate pair that is no place by ECMA.
    if (isRefused(written) || (written.includes("\\B") && text.includes("😀"))) continue;
    const message = `SCHEMA_SEED=${seed}: ${written} ${JSON.stringify(text)}`;
    assert.equal(compile(written).test(text), new RegExp(written, "u").test(text), message);
    compared += 1;
  }
  assert.ok(compared > 10_000, `only ${compared} compared`);
});

test("whatever comes is refused, or matches as V8 does", () => {
  const below = random(seed + 1);
  const pieces = [..."abc(){}|+*?.^$:=!<>,0123[]\\dDsSwWbBuxk-", "(?", "(?<n>", "\\u0061", "[^", "{2}"];
  for (let round = 0; round < 50_000; round += 1) {
    const written = Array.from({ length: below(12) }, () => pieces[below(pieces.length)]).join("");
    const text = Array.from({ length: below(8) }, () => "abc01 3"[below(7)]).join("");
    if (isRefused(written)) continue;
    const message = `SCHEMA_SEED=${seed}: ${written} ${JSON.stringify(text)}`;
    assert.equal(compile(written).test(text), new RegExp(written, "u").test(text), message);
  }
});

test("every character is matched by its own escape", () => {
  const below = random(seed + 2);
  for (let round = 0; round < 1_000; round += 1) {
    const codes = Array.from({ length: below(24) }, () => below(0x110000)).filter((code) => code < 0xd800 || code > 0xdfff);
    const escaped = codes.map((code) => `\\u{${code.toString(16)}}`).join("");
    assert.ok(compile(`^${escaped}$`).test(String.fromCodePoint(...codes)), `SCHEMA_SEED=${seed}: ${escaped}`);
  }
});
