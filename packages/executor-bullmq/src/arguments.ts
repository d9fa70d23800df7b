import { inspect } from "node:util";

/**
 * Checks the name of a queue.
 * @throws TypeError when it is no text, is empty, or has a colon, which separates the parts of keys in Redis.
 */
export function checkQueueName(name: unknown): string {
  if (typeof name === "string" && name !== "" && !name.includes(":")) return name;
  throw new TypeError(
    `Expected \`queue\` to be the name of a queue, without colons, got ${inspect(name)}`,
  );
}
