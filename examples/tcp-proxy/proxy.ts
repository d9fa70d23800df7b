import { getRunningLoop, throwIfCancelled, TimeoutError } from "@aio/loop";
import { openConnection, type StreamReader, type StreamWriter } from "@aio/streams";
import { gather, timeout } from "@aio/task";
import { Bucket } from "./bucket.ts";

export interface Limits {
  /** How many milliseconds may pass without a byte, in either direction. */
  readonly idle: number;
  /** How many bytes a second may go in each direction. */
  readonly rate: number;
}

const CHUNK = 65_536;
const CONNECT = 10_000; // milliseconds

/** Connects a client to `target`, and passes bytes both ways until both sides have ended. */
export async function proxy(
  reader: StreamReader,
  writer: StreamWriter,
  target: { readonly host: string; readonly port: number },
  limits: Limits,
) {
  try {
    const [fromTarget, toTarget] = await timeout(CONNECT, () => openConnection(target));
    try {
      await timeout(limits.idle, async (deadline) => {
        const alive = () => deadline.reschedule(getRunningLoop().time() + limits.idle);
        await gather(
          () => pass(reader, toTarget, limits.rate, alive),
          () => pass(fromTarget, writer, limits.rate, alive),
        );
      });
    } finally {
      toTarget.close();
    }
  } catch (error) {
    throwIfCancelled(error);
    console.log(error instanceof TimeoutError ? "dropped an idle client" : String(error));
    writer.transport.abort();
  } finally {
    writer.close();
  }
}

/** Passes bytes on until their end, and that, too: one side may go on when the other has ended. */
async function pass(from: StreamReader, to: StreamWriter, rate: number, alive: () => void) {
  const bucket = new Bucket(rate);
  for (;;) {
    const chunk = await from.read(CHUNK);
    if (chunk.length === 0) break;
    alive();
    await bucket.take(chunk.length);
    to.write(chunk);
    await to.drain(); // no faster than the other side reads
  }
  to.writeEof();
}
