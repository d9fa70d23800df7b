import { isMainThread } from "node:worker_threads";
import { watchBlocking } from "./watch-blocking.ts";

// `node --import @aio/inspect/watchdog program.js`; in workers, which inherit the flag, it does nothing.
if (isMainThread) {
  const { AIO_BLOCKING_LIMIT = "" } = process.env;
  watchBlocking(AIO_BLOCKING_LIMIT === "" ? {} : { limit: Number(AIO_BLOCKING_LIMIT) });
}
