// "Did you mean …": the nearest known name to one that is not known. As crates/core/src/settings/suggest.rs has it.

// Keeps the comparison's cost bounded.
const MAX_NAME_CHARS = 64;
const MAX_KNOWN = 500;
// Most edits between a name and the one it is taken for.
const MAX_EDITS = 2;

// The known name nearest to `name`, if any is near: at most two edits away (case and `_`/`-` do not count), or else one
// that contains the other.
export function nearest(name, known) {
  const wanted = normalised(name);
  if (wanted === "") return undefined;
  const compared = known.slice(0, MAX_KNOWN).map((candidate) => [normalised(candidate), candidate]);
  const spelled = compared.filter(([normal]) => normal !== "");
  const near = spelled
    .map(([normal, candidate]) => [edits(wanted, normal), normal, candidate])
    // Two edits turn any short word into any other: allow fewer there.
    .filter(([count, normal]) => count <= Math.min(MAX_EDITS, Math.floor(normal.length / 3)))
    .sort(([left], [right]) => left - right)[0];
  return (near ?? spelled.find(([normal]) => contains(normal, wanted) || contains(wanted, normal)))?.at(-1);
}

const normalised = (name) => name.slice(0, MAX_NAME_CHARS).replace(/[_-]/g, "").toLowerCase();

const contains = (whole, part) => part.length >= 3 && whole.includes(part);

// Damerau-Levenshtein distance, optimal string alignment: insert, delete, replace, swap neighbours.
function edits(left, right) {
  const rows = [[...right, ""].map((_, index) => index)];
  for (let row = 1; row <= left.length; row += 1) {
    const last = rows[row - 1];
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const differs = left[row - 1] !== right[column - 1];
      let best = Math.min(last[column - 1] + differs, last[column] + 1, current[column - 1] + 1);
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        best = Math.min(best, rows[row - 2][column - 2] + 1);
      }
      current.push(best);
    }
    rows.push(current);
  }
  return rows[left.length][right.length];
}
