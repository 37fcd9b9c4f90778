// A reader's call to the coordinator. All that it is made of goes over to JavaScript at once, and its answer comes back as
// one piece: a call between wasm and JavaScript costs as much as all that is decided on either side. The piece is bytes, since
// a text goes over a character at a time, in code that is slow in a new isolate: 20 KB took as long as all else.

// In which data centre this isolate is, as the requests tell that it serves.
let place = "";
export const noteColo = ({ cf }) => {
  place ||= cf?.colo ?? "";
};
export const colo = () => place;

const READ = ["version", "freshness", "pending"].map((name) => `bellwether-${name}`);

const encoder = new TextEncoder();

// By the kind of transport, as settings name it. The answer in lines: status, ETag, version, freshness, announcement, each
// empty where it is not set, and then the body of a 200. Rejected with a line for the log, without token or document.
export function ask(env, kind, named, secret, space, path, etag, report, timeoutMs) {
  // Only a call over HTTP can be aborted, and the others are the ones that must be quick.
  const controller = kind === "url" ? new AbortController() : undefined;
  // The timer is left to itself: it holds nothing up, and ends soon.
  const late = new Promise((_, reject) => {
    setTimeout(() => {
      controller?.abort();
      reject(`no answer within ${timeoutMs} ms`);
    }, timeoutMs);
  });
  return Promise.race([answered(env, kind, named, secret, space, path, { etag, report }, controller?.signal), late]);
}

async function answered(env, kind, named, secret, space, path, { etag, report }, signal) {
  const headers = {};
  if (etag) headers["if-none-match"] = etag;
  if (report) headers["bellwether-reader"] = report;
  if (secret) headers.authorization = `Bearer ${token(env[secret], secret)}`;
  const asked = { headers, redirect: "manual" };
  if (kind === "url") asked.signal = signal;
  else if (!env[named]) throw `there is no binding "${named}"`;
  let response;
  try {
    if (kind === "url") response = await fetch(named + path, asked);
    else response = await (kind === "object" ? env[named].getByName(space) : env[named]).fetch(`https://bellwether${path}`, asked);
  } catch (error) {
    throw `the coordinator cannot be reached: ${error?.message ?? error}`;
  }
  const { status, headers: told } = response;
  let head = `${status}\n${told.get("etag") ?? ""}\n`;
  for (const name of READ) head += `${told.get(name) ?? ""}\n`;
  const lines = encoder.encode(head);
  if (status !== 200) return lines;
  let body;
  try {
    body = await response.arrayBuffer();
  } catch {
    throw "the answer broke off";
  }
  const whole = new Uint8Array(lines.length + body.byteLength);
  whole.set(lines);
  whole.set(new Uint8Array(body), lines.length);
  return whole;
}

function token(value, secret) {
  if (typeof value !== "string") throw `the secret "${secret}" is not set`;
  const token = value.trim();
  // The platform would quote it.
  if (!/^[!-~]*$/.test(token)) throw `the secret "${secret}" is not a token`;
  return token;
}
