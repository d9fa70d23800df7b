import { type Channel, channel } from "node:diagnostics_channel";

// What is told to those who subscribe by `node:diagnostics_channel`, each with `{ task }`. With nobody there, that
// costs one look at a flag.

/** A task has been made. An eager one has run its first step already. */
export const taskCreated: Channel = channel("aio:task:created");
/** A task has returned; or thrown, with `{ task, error }`. */
export const taskDone: Channel = channel("aio:task:done");
/** A task has ended by a cancellation. */
export const taskCancelled: Channel = channel("aio:task:cancelled");
