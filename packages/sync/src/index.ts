export { Event } from "./event.ts";
