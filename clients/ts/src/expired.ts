/** A read that `onExpired: "error"` fails: what is held is expired, and no newer one could be had in time. */
export class ExpiredError extends Error {}
