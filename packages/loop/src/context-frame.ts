import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { types } from "node:util";

/** The host's immutable map of the values of every AsyncLocalStorage. */
export type ContextFrame = ReadonlyMap<AsyncLocalStorage<unknown>, unknown>;

// A resource keeps the frame that it was made in, under a symbol that is not documented. Frames are only
// looked at here; hence the trial below, and on hosts that fail it (Node 22 has none) all works without.
const frameSymbol = findFrameSymbol();

/** The frame that `resource` was made in: undefined when it has no values, null when the host does not tell. */
export function frameOf(resource: AsyncResource): ContextFrame | undefined | null {
  if (frameSymbol === undefined) return null;
  return (resource as unknown as Readonly<Record<symbol, ContextFrame | undefined>>)[frameSymbol];
}

function findFrameSymbol(): symbol | undefined {
  const trial = new AsyncLocalStorage<number>();
  // In a resource: `run` leaves a frame behind, without values, and the whole program would begin with that.
  const resource = new AsyncResource("aio").runInAsyncScope(() =>
    trial.run(1, () => new AsyncResource("aio")),
  );
  trial.disable(); // on Node 22, one that is in use slows every promise down
  return Object.getOwnPropertySymbols(resource).find((symbol) => {
    const frame: unknown = Reflect.get(resource, symbol);
    return types.isMap(frame) && frame.get(trial) === 1;
  });
}
