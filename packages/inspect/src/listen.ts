import { listen } from "./socket-server.ts";

// `node --import @aio/inspect/listen program.js`
listen();
