/** What `awaitable` throws when it is awaited; an error when it throws nothing. */
export async function thrownBy(awaitable: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await awaitable;
  } catch (error) {
    return error;
  }
  throw new Error(`Expected an error, got ${String(value)}`);
}
