import { Tinypool } from "tinypool";

export { echo, spin } from "./jobs.ts";

export function pass(buffer: ArrayBuffer): unknown {
  return Tinypool.move(buffer);
}
