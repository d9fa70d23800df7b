import { run } from "@aio/task";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conversations } from "../src/conversation/conversations.ts";
import * as ours from "../src/conversation/our-peer.ts";
import { findPython, PythonPeer } from "../src/conversation/python-peer.ts";
import type { Conversation, Medium, Part, Peer, Record } from "../src/conversation/script.ts";

const python = findPython();
if (python === undefined) {
  const notice = "Python 3 is not installed: no conversations with asyncio are held";
  if (process.env["CI"] !== undefined) throw new Error(notice);
  console.warn(notice);
}

// Of processes and megabytes on a busy machine.
const TIMEOUT = 30_000;

/** What the two ends have seen. */
interface Seen {
  readonly client: Record;
  readonly server: Record;
}

describe.skipIf(python === undefined)("A conversation with asyncio sees what asyncio sees", () => {
  let asyncio: PythonPeer;
  beforeAll(() => {
    asyncio = new PythonPeer(python ?? "");
  });
  afterAll(() => asyncio[Symbol.asyncDispose]());

  // As does its bare `node:net`, so there is nothing of ours to see.
  const hidesResets = process.version.startsWith("v22.");
  const played = conversations.filter(({ resets }) => resets === undefined || !hidesResets);
  const cases = played.flatMap((conversation) =>
    conversation.over.flatMap((medium) =>
      (["client", "server"] as const)
        .filter((end) => conversation.onlyPython !== end)
        .map((end) => ({ name: conversation.name, medium, end, conversation })),
    ),
  );

  test.each(cases)(
    "$name, over $medium, with our $end",
    ({ conversation, medium, end }) =>
      run(async () => {
        const { client, server } = parts(conversation, medium);
        const expected = await among(asyncio, asyncio);

        const seen = await (end === "client" ? among(ours, asyncio) : among(asyncio, ours));

        expect(seen).toEqual(expected);

        async function among(clients: Peer, servers: Peer): Promise<Seen> {
          const { address, record } = await servers.serve(server);
          const seenByServer = record();
          return { client: await clients.connect(client, address), server: await seenByServer };
        }
      }),
    TIMEOUT,
  );
});

function parts(conversation: Conversation, over: Medium): { client: Part; server: Part } {
  const { client, server, limit = 65_536 } = conversation;
  return { client: { over, limit, steps: client }, server: { over, limit, steps: server } };
}
