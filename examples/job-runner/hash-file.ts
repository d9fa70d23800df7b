import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { currentSignal, reportProgress } from "@aio/executor";

const CHUNK = 1_048_576;

/** Hashes a file. It runs in a thread, so it may block; it looks whether its job is cancelled, and tells how far it is. */
export function hashFile(path: string) {
  const signal = currentSignal();
  const hash = createHash("sha256");
  const chunk = Buffer.alloc(CHUNK);
  const file = openSync(path, "r");
  try {
    for (let done = 0; ;) {
      signal.throwIfAborted();
      const size = readSync(file, chunk);
      if (size === 0) return hash.digest("hex");
      hash.update(chunk.subarray(0, size));
      done += size;
      reportProgress(done);
    }
  } finally {
    closeSync(file);
  }
}
