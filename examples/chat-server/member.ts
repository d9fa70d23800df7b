import {
  isConnectionError,
  LineTooLongError,
  type StreamReader,
  type StreamWriter,
} from "@aio/streams";
import type { Queue } from "@aio/sync";
import { race } from "@aio/task";
import type { Room } from "./room.ts";

/** Serves one client, from its name to its end. */
export async function serveMember(room: Room, reader: StreamReader, writer: StreamWriter) {
  try {
    const { name, outbox } = await introduce(room, reader, writer);
    if (outbox === null) return;
    try {
      // The first to end ends the other: the client has gone, or there is nothing more to send.
      await race(
        () => listen(room, name, reader),
        () => send(outbox, writer),
      );
    } finally {
      room.leave(name);
    }
  } catch (error) {
    if (error instanceof LineTooLongError) writer.write("* that was too long\n");
    else if (!isConnectionError(error)) throw error; // the client has gone, which is no mistake of ours
  } finally {
    writer.close();
  }
}

/** Asks for a name that is not taken; without one, the client has gone. */
async function introduce(room: Room, reader: StreamReader, writer: StreamWriter) {
  for (;;) {
    writer.write("* your name?\n");
    const line = await reader.readline();
    if (line.length === 0) return { name: "", outbox: null };
    const name = String(line).trim();
    const outbox = /^\w{1,20}$/.test(name)
      ? room.enter(name, () => writer.transport.abort())
      : null;
    if (outbox !== null) return { name, outbox };
    writer.write("* a name has up to 20 letters, and is not taken\n");
    await writer.drain();
  }
}

async function listen(room: Room, name: string, reader: StreamReader) {
  for await (const line of reader) {
    const text = String(line).trim();
    if (text === "/quit") break;
    if (text !== "") room.say(`${name}: ${text}`, name);
  }
}

async function send(outbox: Queue<string>, writer: StreamWriter) {
  try {
    for await (const text of outbox) {
      writer.write(text);
      await writer.drain(); // waits for a slow client, while its outbox fills
    }
  } catch (error) {
    if (!isConnectionError(error)) throw error; // nobody is left to send to
  }
}
