import { EventLoop, type EventLoopOptions, VirtualClock } from "../src/index.ts";

/** Runs `body` in a callback of a new loop until what it returns has settled; by default in virtual time. */
export async function inLoop<T>(
  body: (loop: EventLoop) => PromiseLike<T> | T,
  options: EventLoopOptions = {},
): Promise<T> {
  const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }), ...options });
  const result = loop.createFuture<T>();
  const work = async (): Promise<void> => {
    try {
      result.setResult(await body(loop));
    } catch (error) {
      result.setException(error as Error);
    }
  };
  loop.callSoon(() => void work());
  try {
    return await loop.runUntilComplete(result);
  } finally {
    loop.close();
  }
}

/** A promise that is fulfilled by a callback in the next iteration of `loop`. */
export function nextTurn(loop: EventLoop): Promise<void> {
  return new Promise((resolve) => {
    loop.callSoon(resolve);
  });
}

/** Runs one iteration of `loop`. */
export async function iterate(loop: EventLoop): Promise<void> {
  loop.stop();
  await loop.runForever();
}
