// What a reader tells the coordinator of itself, with calls that it makes anyway. An entry of its own: who does not report
// does not carry it.

import type { Status } from "./read.ts";

/** So much of a rejection is told, in bytes as encoded. */
const MAX_POINTER_BYTES = 200;
const MAX_MESSAGE_BYTES = 400;

/** In which data centre this isolate is, as the requests tell that it serves. */
let colo = "---";

/** Tells where this isolate is, as the platform told this request; reports say `---` until one is known. */
export function note(request: { readonly cf?: any }): void {
  const told = request.cf?.colo;
  if (/^[A-Z]{3}$/.test(told)) colo = told;
}

/** Makes the header `Bellwether-Reader`: for one reader, as its option `report`. */
export function report(): (status: Status) => string {
  let isolate: string | undefined;
  let sent = 0;
  return ({ version, heldMs, counts, lastRejection }) => {
    // Not where the reader is made: there is no chance outside of requests. Never 0.
    isolate ??= digits(0) + digits(1);
    const { fresh, stale, expired, base } = counts;
    const told = [1, isolate, colo, version ?? 0, heldMs, sent++, fresh, stale, expired, base];
    if (lastRejection) {
      const { version, pointer, message } = lastRejection;
      told.push(version, encoded(pointer, MAX_POINTER_BYTES), encoded(message, MAX_MESSAGE_BYTES));
    }
    return told.join();
  };
}

/** Eight hexadecimal digits by chance. */
function digits(atLeast: number): string {
  return (((Math.random() * 2 ** 32) | atLeast) >>> 0).toString(16).padStart(8, "0");
}

/** As many whole characters as there is room for. */
function encoded(text: string, maxBytes: number): string {
  let all = "";
  for (const character of text) {
    // What is a half of a pair only cannot be encoded.
    const more = all + encodeURIComponent(character.replace(/[\ud800-\udfff]/u, "\ufffd"));
    if (more.length > maxBytes) break;
    all = more;
  }
  return all;
}
