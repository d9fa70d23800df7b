import workerpool from "workerpool";
import { echo, spin } from "./jobs.ts";

const { Transfer, worker } = workerpool;

worker({ echo, spin, pass: (buffer: ArrayBuffer) => new Transfer(buffer, [buffer]) });
