import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Broadcast } from "./broadcast.ts";
import { readChartStyle, readLibrary, readModule } from "./page-files.ts";
import { pageOf } from "./page-of.ts";
import { style } from "./style.ts";

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const PLAIN = "text/plain; charset=utf-8";

/** Answers with the page and what it loads, at a path that nobody can guess. */
export function answerRequests(broadcast: Broadcast): {
  readonly listener: RequestListener;
  readonly path: string;
} {
  const token = randomBytes(24).toString("base64url");
  return {
    path: `/${token}/`,
    listener: (request, response) => {
      const refusal = whyNot(request, token);
      const file = pathOf(request).slice(token.length + 2);
      if (refusal !== null) send(response, 403, PLAIN, `${refusal}\n`);
      else if (file === "events") sendEvents(response, broadcast);
      else
        sendFile(response, file).catch((error: unknown) =>
          send(response, 500, PLAIN, `${String(error)}\n`),
        );
    },
  };
}

/** Why a request is refused: null when it is not. */
function whyNot(request: IncomingMessage, token: string): string | null {
  const { host = "", origin } = request.headers;
  const isLocal = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host);
  // Pages of other sites may have a name of theirs point to this machine: they give themselves away by it.
  if (!isLocal || (origin !== undefined && origin !== `http://${host}`))
    return "Only for pages of this machine";
  const wanted = Buffer.from(`/${token}/`);
  const given = Buffer.from(pathOf(request)).subarray(0, wanted.length);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return "Use the address that `aio watch` has written";
  return null;
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?")[0] ?? "";
}

async function sendFile(response: ServerResponse, file: string): Promise<void> {
  const nonce = randomBytes(16).toString("base64");
  if (file === "") return send(response, 200, HTML, pageOf(nonce), nonce);
  if (file === "style.css") return send(response, 200, CSS, style);
  if (file === "chart.css") return send(response, 200, CSS, await readChartStyle());
  const [folder, ...rest] = file.split("/");
  const code =
    folder === "page"
      ? await readModule(rest.join("/"))
      : folder === "library"
        ? await readLibrary(rest.join("/"))
        : null;
  if (code === null) return send(response, 404, PLAIN, "Not found\n");
  send(response, 200, SCRIPT, code);
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  nonce?: string,
): void {
  response.writeHead(status, headers(type, nonce)).end(text);
}

/** What `broadcast` tells, as it comes, until the page is closed. */
function sendEvents(response: ServerResponse, broadcast: Broadcast): void {
  response.writeHead(200, headers("text/event-stream")).flushHeaders();
  const remove = broadcast.add({
    async send(event, data) {
      const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
      // Called when the system has taken it; or with an error when the page has gone, which is no matter.
      await new Promise<void>((resolve) =>
        response.write(`event: ${event}\n${lines.join("")}\n`, () => resolve()),
      );
      if (event === "end") response.end();
    },
  });
  response.once("close", remove);
}

/** The page may load nothing but its own scripts, and nobody else may show or load it. */
function headers(type: string, nonce?: string): Record<string, string> {
  const policy = {
    "default-src": "'none'",
    "script-src": nonce === undefined ? "'self'" : `'self' 'nonce-${nonce}'`,
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  };
  return {
    "content-type": type,
    "cache-control": "no-store",
    "content-security-policy": Object.entries(policy)
      .map(([name, value]) => `${name} ${value}`)
      .join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}
