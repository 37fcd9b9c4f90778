// One front for any object: what it takes to ask for a snapshot.
export default {
  fetch(request, env) {
    return env.OBJECT.getByName("default").fetch("https://object/v1/spaces/default/snapshot", { headers: request.headers });
  },
};
