// A server that takes mail by SMTP, with STARTTLS, and prints it; for tests of programs that send mail.

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { startServer } from "@aio/streams";
import { Event } from "@aio/sync";
import { moveOnAfter, run } from "@aio/task";
import { formatAddress } from "@aio/transports";
import { generate } from "selfsigned";
import { Session } from "./session.ts";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "2525" },
    size: { type: "string", default: "10485760" }, // bytes a mail may have
    timeout: { type: "string", default: "300000" }, // milliseconds that a client may take for a line
    key: { type: "string" }, // files; without them, the server makes a certificate for itself
    cert: { type: "string" },
  },
});

async function certificate() {
  const { key, cert } = values;
  if (key !== undefined && cert !== undefined)
    return { key: readFileSync(key), cert: readFileSync(cert) };
  const made = await generate([{ name: "commonName", value: "localhost" }]);
  return { key: made.private, cert: made.cert };
}

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  const settings = {
    ssl: await certificate(),
    size: Number(values.size),
    timeout: Number(values.timeout),
    deliver: (mail: unknown) => console.log(JSON.stringify(mail)),
  };
  const server = await startServer(
    (reader, writer) => new Session(reader, writer, settings).run(),
    { host: values.host, port: Number(values.port), limit: 2_048 },
  );
  for (const { address, port } of server.sockets)
    console.log(`listening on ${formatAddress(address, port)}`);

  await stop.wait();
  server.close();
  await moveOnAfter(5_000, () => server.waitClosed()); // mails that are under way may come in
  server.abortClients();
});
