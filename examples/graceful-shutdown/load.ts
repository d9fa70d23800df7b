// Load for the server of graceful-shutdown: clients that ask until it stops, and count what became of it.

import { parseArgs } from "node:util";
import { isConnectionError, openConnection } from "@aio/streams";
import { ExceptionGroup, run, taskGroup } from "@aio/task";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8000" },
    clients: { type: "string", default: "100" },
    duration: { type: "string", default: "100" }, // milliseconds that a request takes
  },
});

const clients = Number(values.clients);

let served = 0; // clients
let answered = 0; // requests, as those below
let refused = 0; // asked when the server had stopped to listen to this connection: to be sent elsewhere
let torn = 0; // answered in part: that must not be

async function client() {
  const [reader, writer] = await openConnection({ host: values.host, port: Number(values.port) });
  let answers = 0;
  try {
    for (;;) {
      writer.write(`${values.duration}\n`);
      const answer = String(await reader.readline());
      if (answer === "") break;
      if (answer.endsWith("ms\n")) answered += 1;
      else torn += 1;
      if (answers === 0) countClient();
      answers += 1;
    }
  } catch (error) {
    // The server had closed this connection before the request came.
    if (!isConnectionError(error)) throw error;
  } finally {
    writer.close();
  }
  refused += 1;
}

function countClient() {
  served += 1;
  if (served === clients) console.log("each client has had an answer");
}

try {
  await run(() =>
    taskGroup((group) => {
      for (let count = 0; count < clients; count += 1) void group.createTask(client);
    }),
  );
  console.log(JSON.stringify({ answered, refused, torn }));
} catch (error) {
  if (!(error instanceof ExceptionGroup) || !error.errors.every(isConnectionError)) throw error;
  console.error(`${error.errors[0]?.message}: does the server of graceful-shutdown run?`);
  process.exitCode = 1;
}
