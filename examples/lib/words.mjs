// The figures, as a person reads them.
import { median } from "../../bench/lib/stats.mjs";
import { CONNECTIONS, REQUESTS } from "./figures.mjs";
import { KV_DELAY_MS } from "./stage.mjs";

const LOADER = {
  before: "before: KV read in each request",
  cached: "before: memory over KV, 30 s",
  after: "after",
};

const SCENE = {
  before: LOADER.before,
  after: "after, never waiting",
  waiting: "after, waiting 50 ms at most",
  alone: "after, the coordinator new, too",
};

export function firstInWords(results) {
  const { before, after, waiting, alone } = results;
  const lines = Object.entries(results).map(([name, { ms }]) => row(SCENE[name], spread(ms), name === "before" ? "" : `${timesFaster(before, { ms }).toFixed(1)} × faster`));
  return [
    `First request of a new process, KV read ${KV_DELAY_MS} ms (median and range of ${before.ms.length}, taking turns):`,
    ...lines,
    `  Never waiting, it answers from the built-in configuration, and from the source's ${spread(after.untilSourceMs)} after`,
    `  that request came. Waiting, it answered from the source's at once in ${waiting.atOnce} of ${waiting.ms.length} processes.`,
    "  The last line is the first request after a first deployment: the coordinator's object opens for the first time",
    `  beside it, in the same process. The source's is served ${spread(alone.untilSourceMs)} after that request came.`,
  ];
}

export function manyInWords(results) {
  const lines = Object.entries(results).map(([loader, { kvReads, ms }]) => row(LOADER[loader], `${kvReads} KV reads`, `then ${spread(ms)}`));
  return [`${REQUESTS} requests to a new process over ${CONNECTIONS} connections, then ${results.after.ms.length} more over one:`, ...lines];
}

export function troubleInWords(name, { outcome, answers, alone }) {
  const lines = Object.entries(answers).flatMap(([loader, { ran, fresh }]) => [row(LOADER[loader], "isolate that ran", told(ran)), row("", "new isolate", told(fresh))]);
  return [`${name} (the coordinator's refresh: ${outcome}):`, ...lines, row("", "coordinator new, too", told(alone))];
}

/** How many times faster, by medians. */
export function timesFaster(before, after) {
  return median(before.ms) / median(after.ms);
}

function told({ status, text }) {
  if (status !== 200) return `${status || ""} ${text.split("\n")[0]}`.trim();
  return `200 from ${JSON.parse(text).config}`;
}

function spread(ms) {
  return `${median(ms).toFixed(1)} ms (${Math.min(...ms).toFixed(1)} to ${Math.max(...ms).toFixed(1)})`;
}

function row(...cells) {
  return `  ${cells[0].padEnd(34)} ${cells[1].padEnd(28)} ${cells[2]}`.trimEnd();
}
