/** What `promise` gives; null when `signal` is aborted before: then the promise is left behind. */
export async function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | null> {
  const aborted = Promise.withResolvers<null>();
  const abort = (): void => aborted.resolve(null);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
