// A Durable Object for Workers that are loaded at run time, which workerd gives no binding to one.
export default { fetch: (request, env) => env.OBJECT.getByName("default").fetch(request) };
