// What the hot paths ask of the platform. Between wasm and JavaScript a call costs as much as all that is decided on
// either side, so each of these is one call for what would be many; and what goes over is one text of lines, since a
// text costs little more than a number. Header values hold no line ends.

// A header as a line: "=" and the value, or nothing where it is not set.
const line = (headers, name) => {
  const value = headers.get(name);
  return value === null ? "" : `=${value}`;
};

// All that a read of an edge is decided by.
export function asked(request) {
  const { headers } = request;
  return `${request.method} ${request.url}\n${line(headers, "if-none-match")}\n${line(headers, "bellwether-min-version")}\n${line(headers, "authorization")}`;
}

// All that a reader's call to the object is decided by, and what the reader tells of itself.
export function wanted(request) {
  const { headers } = request;
  return `${request.method} ${request.url}\n${line(headers, "if-none-match")}\n${line(headers, "bellwether-reader")}`;
}

// The fields in lines, a name and then its value.
function headersOf(fields) {
  const headers = {};
  const lines = fields.split("\n");
  for (let at = 0; at + 1 < lines.length; at += 2) headers[lines[at]] = lines[at + 1];
  return headers;
}

// The second argument of a Response, to be used as often as one likes.
export const initOf = (status, fields) => ({ status, headers: headersOf(fields) });

// Nothing where a field is not one. Not left to wasm-bindgen's own `catch`, which takes longer than all that wasm does.
export function answer(body, init) {
  try {
    return new Response(body, init);
  } catch {
    return undefined;
  }
}

// Asks a space's object, as often as one likes, for requests that differ in what a reader tells of itself: the object's own
// response, or a stand-in where it does not answer.
export function callOf(binding, space, url, fields, body, init) {
  const held = headersOf(fields);
  return (env, request) => {
    const report = request.headers.get("bellwether-reader");
    const headers = report === null ? held : { ...held, "bellwether-reader": report };
    return env[binding]
      .getByName(space)
      .fetch(url, { headers, redirect: "manual" })
      .catch(() => new Response(body, init));
  };
}

// No text is one that the platform refuses.
export const respond = (text) => new Response(text);
