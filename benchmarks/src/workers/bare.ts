import { parentPort } from "node:worker_threads";
import { echo, spin } from "./jobs.ts";

parentPort?.on("message", ([id, job, value]: [number, string, number | ArrayBuffer]) => {
  if (value instanceof ArrayBuffer) parentPort?.postMessage([id, value], [value]);
  else parentPort?.postMessage([id, (job === "spin" ? spin : echo)(value)]);
});
