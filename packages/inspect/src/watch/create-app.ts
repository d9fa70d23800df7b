import { randomBytes, timingSafeEqual } from "node:crypto";
import { Hono, type MiddlewareHandler } from "hono";
import { NONCE, secureHeaders } from "hono/secure-headers";
import { streamSSE } from "hono/streaming";
import type { Broadcast } from "./broadcast.ts";
import { readChartStyle, readLibrary, readModule } from "./page-files.ts";
import { pageOf } from "./page-of.ts";
import { style } from "./style.ts";

const CSS = { "content-type": "text/css" };

/** The page and what it loads, at a path that nobody can guess. */
export function createApp(broadcast: Broadcast): { readonly app: Hono; readonly path: string } {
  const token = randomBytes(24).toString("base64url");
  const app = new Hono();
  app.use(onlyLocal, onlyWith(token), headers);
  app.get("/:token/", (context) =>
    context.html(pageOf(String(context.get("secureHeadersNonce" as never)))),
  );
  app.get("/:token/style.css", (context) => context.body(style, 200, CSS));
  app.get("/:token/chart.css", async (context) => context.body(await readChartStyle(), 200, CSS));
  app.get("/:token/page/:file", (context) => script(readModule(context.req.param("file"))));
  app.get("/:token/library/:name{.+}", (context) => script(readLibrary(context.req.param("name"))));
  app.get("/:token/events", (context) =>
    streamSSE(context, async (stream) => {
      const closed = Promise.withResolvers<void>();
      stream.onAbort(() => closed.resolve());
      const remove = broadcast.add({
        async send(event, data) {
          await stream.writeSSE({ event, data });
          if (event === "end") closed.resolve();
        },
      });
      await closed.promise;
      remove();
    }),
  );
  return { app, path: `/${token}/` };
}

async function script(text: Promise<string | null>): Promise<Response> {
  const code = await text;
  if (code === null) return new Response("Not found\n", { status: 404 });
  return new Response(code, { headers: { "content-type": "text/javascript" } });
}

/** Pages of other sites may have a name of theirs point to this machine: they give themselves away by it. */
const onlyLocal: MiddlewareHandler = async (context, next) => {
  const host = context.req.header("host") ?? "";
  const origin = context.req.header("origin");
  const isLocal = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);
  if (!isLocal || (origin !== undefined && origin !== `http://${host}`))
    return context.text("Only for pages of this machine\n", 403);
  return next();
};

function onlyWith(token: string): MiddlewareHandler {
  const wanted = Buffer.from(token);
  return async (context, next) => {
    const given = Buffer.from(context.req.path.split("/")[1] ?? "");
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      return context.text("Use the address that `aio watch` has written\n", 403);
    return next();
  };
}

const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'", NONCE],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["data:"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
  xFrameOptions: "DENY",
  referrerPolicy: "no-referrer",
  strictTransportSecurity: false,
});
