import type { Conversation, Medium, Step } from "./script.ts";

const STREAMS: readonly Medium[] = ["tcp", "unix", "tls"];
const HALF_CLOSING: readonly Medium[] = ["tcp", "unix"]; // TLS ends in both directions at once
const MEBIBYTE = 1_048_576;
// Not 0: before Python 3.12, asyncio sends nothing then.
const SIZES: readonly number[] = [1, 100, 1_500, 9_000, 30_000];

/** All conversations: of streams, and of datagrams. */
export const conversations: readonly Conversation[] = [
  {
    name: "a question and an answer",
    over: STREAMS,
    client: [["write", "question\n"], ["drain"], ["readline"], ["close"], ["waitClosed"]],
    server: [
      ["readline"],
      ["write", "answer\n"],
      ["readline"],
      ["atEof"],
      ["close"],
      ["waitClosed"],
    ],
  },
  {
    name: "nothing at all",
    over: STREAMS,
    client: [["close"], ["waitClosed"]],
    server: [["read"], ["atEof"], ["readline"], ["readexactly", 1], ["close"]],
  },
  {
    name: "an answer after the end of the question",
    over: HALF_CLOSING,
    client: [
      ["canWriteEof"],
      ["write", "question"],
      ["writeEof"],
      ["read"],
      ["atEof"],
      ["close"],
      ["waitClosed"],
    ],
    server: [["read"], ["atEof"], ["write", "answer"], ["drain"], ["close"], ["waitClosed"]],
  },
  {
    name: "both ends that end first, and then say the rest",
    over: HALF_CLOSING,
    client: [["write", "from the client"], ["writeEof"], ["read"], ["close"], ["waitClosed"]],
    server: [["write", "from the server"], ["writeEof"], ["read"], ["close"], ["waitClosed"]],
  },
  {
    name: "lines of all lengths, many at a time",
    over: STREAMS,
    client: [
      ["writelines", Array.from({ length: 2_000 }, (_, i) => `${"x".repeat((i * 37) % 500)}\n`)],
      ["readexactly", 501_000], // all of it: who closes earlier resets a server that still echoes
      ["close"],
    ],
    server: [["echoLines"], ["close"]],
  },
  {
    name: "megabytes in one write, each way",
    over: STREAMS,
    client: [
      ["write", [1, 5 * MEBIBYTE]],
      ["drain"],
      ["readexactly", 3 * MEBIBYTE],
      ["close"],
      ["waitClosed"],
    ],
    server: [
      ["readexactly", 5 * MEBIBYTE],
      ["write", [2, 3 * MEBIBYTE]],
      ["drain"],
      ["read"],
      ["close"],
    ],
  },
  {
    name: "a slow reader of what a closed writer has left",
    over: STREAMS,
    client: [["write", [3, 2 * MEBIBYTE]], ["close"], ["waitClosed"]],
    server: [["readSlowly", 16_384], ["close"], ["waitClosed"]],
  },
  {
    name: "a slow reader on the side of the client",
    over: STREAMS,
    limit: 4_096,
    client: [["write", "go\n"], ["readSlowly", 10_000], ["close"]],
    server: [["readline"], ["write", [4, MEBIBYTE]], ["drain"], ["close"], ["waitClosed"]],
  },
  {
    name: "records with separators of several bytes",
    over: STREAMS,
    client: [
      ["write", "a\r"],
      ["drain"],
      ["write", "\n\r\nb\r\n\r"],
      ["drain"],
      ["write", "\nrest"],
      ["close"],
    ],
    server: [
      ["readuntil", "\r\n\r\n"],
      ["readuntil", "\r\n\r\n"],
      ["readuntil", "\r\n\r\n"],
      ["atEof"],
      ["close"],
    ],
  },
  {
    name: "less than was expected",
    over: STREAMS,
    client: [["write", "12345"], ["close"]],
    server: [["readexactly", 10], ["atEof"], ["read"], ["close"]],
  },
  {
    name: "a line that is too long, and the next",
    over: STREAMS,
    limit: 100,
    client: [["write", `${"x".repeat(150)}\nshort\n`], ["write", "y".repeat(120)], ["close"]],
    server: [["readline"], ["readline"], ["readexactly", 120], ["readline"], ["close"]],
  },
  {
    name: "a record beyond the limit, which stays",
    over: STREAMS,
    limit: 100,
    client: [["write", `${"x".repeat(150)};`], ["readline"], ["close"]],
    server: [
      ["readexactly", 1],
      ["readuntil", ";"],
      ["readexactly", 149],
      ["readuntil", ";"],
      ["write", "done\n"],
      ["close"],
    ],
  },
  {
    name: "a peer that aborts",
    over: HALF_CLOSING,
    client: [["write", "last words\n"], ["readline"], ["abort"], ["waitClosed"]],
    server: [["readline"], ["write", "heard\n"], ["read"], ["close"], ["waitClosed"]],
  },
  {
    name: "a writer whose peer has gone",
    over: HALF_CLOSING,
    client: [["readline"], ["close"], ["waitClosed"]],
    server: [["write", "bye\n"], ["writeUntilLost"], ["drain"]],
  },
  {
    name: "a connection that goes over to TLS",
    over: HALF_CLOSING,
    client: [
      ["write", "STARTTLS\n"],
      ["readline"],
      ["startTls", "client"],
      ["write", "secret\n"],
      ["readline"],
      ["write", [5, MEBIBYTE]],
      ["drain"],
      ["close"],
      ["waitClosed"],
    ],
    server: [
      ["readline"],
      ["write", "go ahead\n"],
      ["startTls", "server"],
      ["readline"],
      ["write", "heard\n"],
      ["readexactly", MEBIBYTE],
      ["read"],
      ["close"],
    ],
  },
  {
    name: "a server that is reset by its client",
    over: ["tcp"],
    onlyPython: "client",
    client: [["write", "line\n"], ["readline"], ["reset"]],
    server: [
      ["readline"],
      ["write", "heard\n"],
      ["readline"],
      ["readline"],
      ["drain"],
      ["waitClosed"],
    ],
  },
  {
    name: "a client that is reset by its server",
    over: ["tcp"],
    onlyPython: "server",
    client: [
      ["write", "line\n"],
      ["readline"],
      ["readexactly", 5],
      ["write", "dropped"],
      ["waitClosed"],
    ],
    server: [["readline"], ["write", "heard\n"], ["reset"]],
  },
  {
    name: "a question and an answer",
    over: ["udp"],
    client: [["send", "question"], ["receive"]],
    server: [["receive"], ["send", "answer"]],
  },
  {
    name: "datagrams of all sizes, in turn",
    over: ["udp"],
    client: SIZES.flatMap((size): Step[] => [["send", [size, size]], ["receive"]]),
    server: SIZES.flatMap((size): Step[] => [["receive"], ["send", [size + 1, size]]]),
  },
  {
    name: "several datagrams at a time, each by itself",
    over: ["udp"],
    client: [
      ["send", "one"],
      ["send", "two"],
      ["send", "three"],
      ["send", "four"],
      ["receive"],
      ["receive"],
    ],
    server: [
      ["receive"],
      ["receive"],
      ["receive"],
      ["receive"],
      ["send", "heard"],
      ["send", "all"],
    ],
  },
];
