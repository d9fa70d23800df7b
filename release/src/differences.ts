/** What does not work on other hosts: the program, and why. What is missing here must work. */
export const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Deno: {
    "examples/coroutines/start.ts": "`console.log` writes arrays in their own way",
    "examples/tasks/abort-signal.ts":
      "a server of `node:http` throws where nobody can catch it when a client goes away",
  },
  Bun: {
    "examples/coroutines/start.ts": "`console.log` writes arrays in their own way",
    "examples/tasks/abort-signal.ts":
      "a server of `node:http` is not told when the client of a `fetch` goes away",
  },
};

/** What is tried there: the READMEs of these packages, and these folders of the examples. */
export const TRIED = {
  packages: ["@aio/loop", "@aio/task", "@aio/sync", "@aio/streams"],
  folders: ["coroutines", "tasks", "futures", "combinators", "loop", "sync", "streams"],
} as const;
