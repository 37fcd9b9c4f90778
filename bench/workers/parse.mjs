// Parses the configuration in `CONFIG` as often as it is asked to.
export default {
  fetch(request, env) {
    const count = Number(request.url.slice(request.url.lastIndexOf("=") + 1));
    let parsed = 0;
    for (let done = 0; done < count; done += 1) parsed += JSON.parse(env.CONFIG).items.length > 0;
    return new Response(String(parsed));
  },
};
