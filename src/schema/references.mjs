// Where the references of a schema lead: to places in the same document, and not round in place. Nothing is fetched.
import { clip } from "./words.mjs";

// The longest reference that a refusal shows, in characters.
const SHOWN_CHARS = 128;
// What a document without an `$id` is called: references are resolved against it, and compared.
const BASE = "schema:/";

const OUTSIDE = 'one that leads to an "$id" in this document: schemas elsewhere are not fetched';
const NOWHERE = "one that leads to a schema in this document";
const SEVERAL = 'just one "$dynamicAnchor" of this name in the document';

// What is known of a schema's places while it is walked over.
export class References {
  // Every place that holds a schema, by its pointer: `{ pointer, node, inPlace }`. The last are the places that apply to
  // the same value when this one does.
  #places = new Map();
  // The document, and every schema in it with an `$id`, by its URI: `{ uri, pointer, anchors }`.
  #resources = new Map();
  #dynamic = [];
  #made = [];
  #refuse;

  // `refuse(pointer, found, expected)` is told what is wrong.
  constructor(refuse) {
    this.#refuse = refuse;
  }

  // Goes into a schema that is lowered to `node`.
  enter(pointer, node, outer) {
    const place = { pointer, node, inPlace: [] };
    this.#places.set(pointer, place);
    outer?.inPlace.push(place);
    return place;
  }

  // The resource that this place is in: one of its own where it has an `$id`. What is no `$id` is refused elsewhere.
  resource(id, { pointer }, outer) {
    const uri = outer === null || id !== undefined ? resolved(typeof id === "string" ? id.replace(/#$/, "") : "", outer?.uri ?? BASE) : null;
    if (uri === null) return outer;
    const resource = { uri, pointer, anchors: new Map() };
    if (!this.#resources.has(uri)) this.#resources.set(uri, resource);
    else this.#refuse(pointer, 'an "$id" that the document has twice', "an identifier of its own");
    return resource;
  }

  // Names a place.
  anchor(name, pointer, place, { anchors }, isDynamic) {
    if (anchors.has(name)) this.#refuse(pointer, "an anchor that the document has twice", "a name of its own");
    anchors.set(name, { place, isDynamic });
    if (isDynamic) this.#dynamic.push(name);
  }

  // Notes a reference; gives its number.
  refer(text, pointer, from, resource, isDynamic) {
    return String(this.#made.push({ text, pointer, from, resource, isDynamic }) - 1);
  }

  // The lowered schemas that the references lead to, by number. Those that lead nowhere, and loops, are refused.
  resolve() {
    const lookup = this.#made.map((reference) => {
      const place = this.#target(reference);
      if (typeof place === "string") {
        this.#refuse(reference.pointer, `the reference ${JSON.stringify(clip(reference.text, SHOWN_CHARS))}`, place);
        return undefined;
      }
      reference.from.inPlace.push(place);
      return place.node;
    });
    const loop = findLoop([...this.#places.values()]);
    if (loop) {
      this.#refuse(loop.pointer, "references that lead back here for the same value", "that each round goes deeper into the document");
    }
    return lookup;
  }

  // The place, or what would have led to one.
  #target({ text, resource, isDynamic }) {
    const [uri, ...rest] = text.split("#");
    const within = uri === "" ? resource : this.#resources.get(resolved(uri, resource.uri));
    if (!within) return OUTSIDE;
    let fragment;
    try {
      fragment = decodeURIComponent(rest.join("#"));
    } catch {
      return NOWHERE;
    }
    if (fragment === "" || fragment.startsWith("/")) return this.#places.get(within.pointer + fragment) ?? NOWHERE;
    const anchor = within.anchors.get(fragment);
    if (!anchor) return NOWHERE;
    // With one of its name, the outermost is the nearest is this one.
    const several = isDynamic && anchor.isDynamic && this.#dynamic.filter((name) => name === fragment).length > 1;
    return several ? SEVERAL : anchor.place;
  }
}

function resolved(reference, base) {
  if (reference === "") return base;
  return URL.canParse(reference, base) ? new URL(reference, base).href : null;
}

// A place that leads back to itself without going deeper into the document. Takes away, again and again, the places
// that lead nowhere: what stays leads to a loop. Without recursion, as chains may be long.
function findLoop(places) {
  const open = new Map(places.map((place) => [place, place.inPlace.length]));
  const before = new Map(places.map((place) => [place, []]));
  for (const place of places) place.inPlace.forEach((to) => before.get(to).push(place));
  const done = places.filter((place) => open.get(place) === 0);
  while (done.length > 0) {
    for (const from of before.get(done.pop())) {
      open.set(from, open.get(from) - 1);
      if (open.get(from) === 0) done.push(from);
    }
  }
  const isLeft = (place) => open.get(place) > 0;
  let place = places.find(isLeft);
  // Where the walk comes by again is in the loop.
  for (const seen = new Set(); place && !seen.has(place); place = place.inPlace.find(isLeft)) seen.add(place);
  return place;
}
