import dns, { type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { inspect } from "node:util";
import { type EventLoop, log } from "@aio/loop";

/** Which addresses are wanted: of IPv4, of IPv6, or of both. */
export type Family = 0 | 4 | 6;

/** How names are resolved. */
export interface ResolveOptions {
  /** 4 or 6 for addresses of that family only; 0, the default, for both. */
  readonly family?: Family | undefined;
  /** Resolves names, as the option of the same name of `net.connect` does: `dns.lookup` by default. */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * Returns the addresses of `host`, in the order of the resolver. An IP address is not looked up.
 *
 * Cancellation: the answer is dropped when it comes.
 */
export async function resolve(
  loop: EventLoop,
  host: string,
  { family = 0, lookup = dns.lookup }: ResolveOptions,
): Promise<LookupAddress[]> {
  const version = isIP(host);
  if (version !== 0) return [{ address: host, family: version }];
  const found = loop.createFuture<LookupAddress[]>();
  const look = loop.debug ? timed(loop, lookup) : lookup;
  look(host, { all: true, family, order: "verbatim" }, (error, addresses) => {
    if (found.done) return;
    if (error !== null) found.setException(error);
    else found.setResult(Array.isArray(addresses) ? addresses : []);
  });
  const addresses = await found;
  if (addresses.length > 0) return addresses;
  throw Object.assign(new Error(`No address found for ${host}`), { code: "ENOTFOUND" });
}

/** Has the log say how long a look-up took: a warning when that was long. */
function timed(loop: EventLoop, lookup: LookupFunction): LookupFunction {
  return (host, options, callback) => {
    const start = performance.now();
    lookup(host, options, (error, addresses, family) => {
      const duration = performance.now() - start;
      const answer = error === null ? inspect(addresses, ONE_LINE) : String(error);
      const level = duration < loop.slowCallbackDuration ? "debug" : "warn";
      log[level](`Looking up ${host} took ${duration.toFixed(0)} ms: ${answer}`);
      callback(error, addresses, family);
    });
  };
}

const ONE_LINE = { breakLength: Infinity, compact: true };
