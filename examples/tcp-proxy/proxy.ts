import { getRunningLoop, throwIfCancelled, TimeoutError } from "@aio/loop";
import { openConnection, type StreamReader, type StreamWriter } from "@aio/streams";
import { ExceptionGroup, taskGroup, timeout } from "@aio/task";
import { Bucket } from "./bucket.ts";

export interface Limits {
  /** How many milliseconds may pass without a byte, in either direction. */
  readonly idle: number;
  /** How many bytes a second may go in each direction. */
  readonly rate: number;
}

const CONNECT = 10_000; // milliseconds
const CHUNK = 65_536; // bytes

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
      await join([reader, writer], [fromTarget, toTarget], limits);
      toTarget.close();
    } finally {
      if (!toTarget.isClosing()) toTarget.transport.abort();
    }
    writer.close();
  } catch (error) {
    throwIfCancelled(error);
    const [first] = error instanceof ExceptionGroup ? error.errors : [error];
    console.log(first instanceof TimeoutError ? "dropped an idle client" : String(first));
    writer.transport.abort();
  }
}

type Ends = readonly [reader: StreamReader, writer: StreamWriter];

/** Passes bytes both ways. Each byte moves the deadline; when one way fails, the other one is stopped. */
async function join(client: Ends, target: Ends, { idle, rate }: Limits) {
  const loop = getRunningLoop();
  await timeout(idle, (deadline) => {
    const alive = () => deadline.reschedule(loop.time() + idle);
    return taskGroup((group) => {
      void group.createTask(() => pass(client[0], target[1], rate, alive));
      void group.createTask(() => pass(target[0], client[1], rate, alive));
    });
  });
}

/** Passes bytes on until their end, and that, too: one side may go on when the other has ended. */
async function pass(from: StreamReader, to: StreamWriter, rate: number, alive: () => void) {
  const bucket = new Bucket(rate);
  const size = Math.max(1, Math.min(CHUNK, rate)); // no more than a second's worth
  for (;;) {
    const chunk = await from.read(size);
    if (chunk.length === 0) break;
    alive();
    await bucket.take(chunk.length);
    to.write(chunk);
    await to.drain(); // no faster than the other side reads
  }
  to.writeEof();
}
