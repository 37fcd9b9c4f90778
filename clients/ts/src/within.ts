/** In the place of what took longer. */
export const LATE = 0;

/** What was promised, or that it takes longer. The timer is left to itself: it holds nothing up, and ends soon. */
export function within<V>(promised: Promise<V>, ms: number): Promise<V | typeof LATE> {
  return Promise.race([promised, new Promise<typeof LATE>((resolve) => setTimeout(resolve, ms, LATE))]);
}
