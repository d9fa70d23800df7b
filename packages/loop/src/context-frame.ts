import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";

// A resource keeps the frame that it was made in: the host's immutable map of all AsyncLocalStorage
// values, under a symbol that is not documented. Frames are only compared here, by identity; hence
// the trial below, and on hosts that fail it (Node 22 has no frames) everything works without.
const frameSymbol = findFrameSymbol();

/** What identifies the async context that `resource` was made in; undefined where the host does not tell. */
export function frameOf(resource: AsyncResource): unknown {
  return frameSymbol === undefined
    ? undefined
    : (resource as unknown as Readonly<Record<symbol, unknown>>)[frameSymbol];
}

function findFrameSymbol(): symbol | undefined {
  const trial = new AsyncLocalStorage<number>();
  const make = (): AsyncResource => new AsyncResource("aio");
  const [first, same, other] = trial.run(1, () => [make(), make(), trial.run(2, make)]);
  return Object.getOwnPropertySymbols(first).find((symbol) => {
    const frame: unknown = Reflect.get(first, symbol);
    return (
      typeof frame === "object" &&
      frame !== null &&
      frame === Reflect.get(same, symbol) &&
      frame !== Reflect.get(other, symbol)
    );
  });
}
