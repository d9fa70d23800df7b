import { move } from "piscina";

export { echo, spin } from "./jobs.ts";

export function pass(buffer: ArrayBuffer): unknown {
  return move(buffer);
}
