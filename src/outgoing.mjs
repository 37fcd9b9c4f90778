// Requests that this Worker makes, in one call from wasm each. Redirects are never followed: a token would be carried
// elsewhere. Fields go over in lines, a name and then its value.

function headersOf(fields) {
  const headers = {};
  const lines = fields.split("\n");
  for (let at = 0; at + 1 < lines.length; at += 2) headers[lines[at]] = lines[at + 1];
  return headers;
}

const encoder = new TextEncoder();

// What a space's object answers, as bytes, which unlike a text go over at once: in lines the status, "=" and the value of each
// header of `wanted`, or nothing where it is not set; and then the body. Rejected with a word where there is none.
export async function askObject(env, binding, space, method, url, fields, body, wanted) {
  const object = env[binding]?.getByName?.(space);
  if (!object) throw "unbound";
  let request, response;
  try {
    request = new Request(url, { method, headers: headersOf(fields), body, redirect: "manual" });
  } catch {
    throw "invalid";
  }
  try {
    response = await object.fetch(request);
  } catch {
    throw "unanswered";
  }
  const { status, headers } = response;
  let head = `${status}\n`;
  for (const name of wanted ? wanted.split("\n") : []) {
    const value = headers.get(name);
    head += value === null ? "\n" : `=${value}\n`;
  }
  const lines = encoder.encode(head);
  if (status === 304) return lines;
  let answered;
  try {
    answered = await response.arrayBuffer();
  } catch {
    throw "broke off";
  }
  const whole = new Uint8Array(lines.length + answered.byteLength);
  whole.set(lines);
  whole.set(new Uint8Array(answered), lines.length);
  return whole;
}

// Asks past every HTTP cache on the way: the schedule decides how old a document may be.
export function askUrl(url, fields) {
  const controller = new AbortController();
  const asked = { headers: headersOf(fields), redirect: "manual", cache: "no-store", signal: controller.signal };
  const answer = (async () => fetch(url, asked))();
  answer.abort = () => controller.abort();
  return answer;
}

// What has ended takes no notice.
export const abort = (answer) => answer.abort();
