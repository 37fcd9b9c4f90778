// A reader's call to the coordinator. All that it is made of goes over to JavaScript at once, and its answer comes back as
// one text: a call between wasm and JavaScript costs as much as all that is decided on either side.

// In which data centre this isolate is, as the requests tell that it serves.
let place = "";
export const noteColo = ({ cf }) => {
  place ||= cf?.colo ?? "";
};
export const colo = () => place;

const READ = ["version", "freshness", "pending"].map((name) => `bellwether-${name}`);

// By the kind of transport, as settings name it. The answer in lines: status, ETag, version, freshness, announcement, each
// empty where it is not set, and then the body of a 200. Rejected with a line for the log, without token or document.
export function ask(env, kind, named, secret, space, path, etag, report) {
  // Only a call over HTTP can be aborted, and the others are the ones that must be quick.
  const controller = kind === "url" ? new AbortController() : undefined;
  const answer = answered(env, kind, named, secret, space, path, { etag, report }, controller?.signal);
  answer.abort = () => controller?.abort();
  return answer;
}

// What has ended takes no notice.
export const abort = (answer) => answer.abort();

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
  let text = `${status}\n${told.get("etag") ?? ""}\n`;
  for (const name of READ) text += `${told.get(name) ?? ""}\n`;
  if (status !== 200) return text;
  try {
    return text + (await response.text());
  } catch {
    throw "the answer broke off";
  }
}

function token(value, secret) {
  if (typeof value !== "string") throw `the secret "${secret}" is not set`;
  const token = value.trim();
  // The platform would quote it.
  if (!/^[!-~]*$/.test(token)) throw `the secret "${secret}" is not a token`;
  return token;
}
