// What the peers do with a configuration: as many lookups as the request asks for, of one item each.
export const countIn = (request) => Number(request.url.slice(request.url.lastIndexOf("=") + 1));

export function answer(request, config) {
  const lookups = countIn(request);
  let width = 0;
  for (let at = 0; at < lookups; at += 1) width += config.items[at].width;
  return new Response(String(width));
}
