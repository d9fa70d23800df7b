import { Readable, Writable } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import { isCancelled, type Operation, runOutside, toError } from "@aio/loop";
import type { WriteTransport } from "@aio/transports";
import type { StreamReader } from "./reader.ts";
import { WritableTransport } from "./writable-transport.ts";
import type { StreamWriter } from "./writer.ts";

// How much one read takes at most, and what is read ahead: as of Node's sockets.
const CHUNK = 65_536;

/** For {@link StreamReader.toReadable}. */
export function toReadable(reader: StreamReader): Readable {
  let reading: Operation<Buffer> | null = null;
  return new Readable({
    highWaterMark: CHUNK,
    read() {
      reading = runOutside(() => reader.read(CHUNK));
      reading.then(
        (data) => {
          reading = null;
          this.push(data.length === 0 ? null : data);
        },
        (error: Error) => {
          reading = null;
          if (!isCancelled(error)) this.destroy(error);
        },
      );
    },
    destroy(error, callback) {
      reading?.cancel();
      callback(error);
    },
  });
}

/** For {@link StreamWriter.toWritable}. */
export function toWritable(writer: StreamWriter): Writable {
  const drain = async (done: (error?: Error) => void): Promise<void> => {
    try {
      await runOutside(() => writer.drain());
    } catch (error) {
      done(toError(error));
      return;
    }
    done();
  };
  const writable = new Writable({
    highWaterMark: CHUNK,
    write(chunk: Buffer, _encoding, callback) {
      writer.write(chunk);
      void drain(callback);
    },
    writev(chunks, callback) {
      writer.writelines(chunks.map(({ chunk }) => chunk as Buffer));
      void drain(callback);
    },
    final(callback) {
      // `finish` says that all has been handed to the system, as of sockets.
      emptied(writer.transport);
      void drain((error) => {
        if (error !== undefined) return callback(error);
        if (writer.canWriteEof()) writer.writeEof();
        else writer.close();
        callback();
      });
    },
    destroy(error, callback) {
      // What has been written to its end leaves the connection to the reader.
      if (!this.writableFinished) writer.transport.abort();
      callback(error);
    },
  });
  // A connection that is lost says so, also when nothing is being written.
  runOutside(() => writer.waitClosed()).then(
    () => writable.destroy(),
    (error: Error) => writable.destroy(error),
  );
  return writable;
}

/** Has `drain()` wait until nothing is buffered any more. */
function emptied(transport: WriteTransport): void {
  if (transport.getWriteBufferSize() > 0 && !(transport instanceof WritableTransport))
    transport.setWriteBufferLimits({ high: 0 });
}

/** For {@link StreamReader.toWeb}. */
export function toWebReadable(reader: StreamReader): ReadableStream<Uint8Array> {
  return Readable.toWeb(toReadable(reader)) as ReadableStream<Uint8Array>;
}

/** For {@link StreamWriter.toWeb}. */
export function toWebWritable(writer: StreamWriter): WritableStream<Uint8Array> {
  return Writable.toWeb(toWritable(writer)) as WritableStream<Uint8Array>;
}
