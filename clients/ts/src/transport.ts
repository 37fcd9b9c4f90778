// How a reader reaches the coordinator: an object's binding, a service binding, or a URL.

import type { Answer, Call } from "./cache.ts";
import type { Env, Named, Options, Service } from "./options.ts";
import type { Status } from "./read.ts";
import { parseReply } from "./wire.ts";

/** Asks the coordinator, once. What it throws holds neither a token nor anything of a document. */
export async function ask(
  { binding, service, url, token, report, space = "default" }: Options,
  env: Env,
  { ahead, etag }: Call,
  deadline: number,
  status: () => Status,
): Promise<Answer | undefined> {
  const headers: Record<string, string> = {};
  if (etag) {
    headers["if-none-match"] = etag;
    if (report) headers["bellwether-reader"] = report(status());
  }
  if (token) headers.authorization = "Bearer " + bound(env, token).trim();
  const named = bound<any>(env, binding ?? service ?? (() => globalThis));
  const to: Service = binding ? named.getByName(space) : named;
  // The host of a request that goes through a binding is never resolved.
  const origin = url?.replace(/\/+$/, "") ?? "https://bellwether";
  const path = `/v1/spaces/${space}/snapshot${ahead ? "?pending=" + ahead : ""}`;
  // Redirects are never followed: a token would be carried elsewhere. A request has few connections, which a call that hangs must
  // give back; one through a binding takes none, and a signal would be a tenth of what it costs.
  const response: Response = await to.fetch(origin + path, {
    headers,
    redirect: "manual",
    signal: url && AbortSignal.timeout(deadline),
  });
  const reply = parseReply(ahead, response);
  return reply && { ...reply, body: reply.version ? await response.text() : "" };
}

/** What the environment has by that name, or the function finds in it. */
export function bound<V>(env: Env, named: Named<V>): V {
  const value = typeof named === "string" ? env[named] : named(env);
  if (!value) throw Error(`the Worker has no ${named}`);
  return value;
}
