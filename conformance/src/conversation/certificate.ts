import { readFileSync } from "node:fs";

// The certificate of both sides' servers: of "localhost", signed by itself.
const cert = read("certificate.pem");

/** What our servers speak TLS with. */
export const serverTls: { readonly key: string; readonly cert: string } = {
  cert,
  key: read("key.pem"),
};

/** What our clients speak TLS with. */
export const clientTls: { readonly ssl: { readonly ca: string }; readonly serverHostname: string } =
  { ssl: { ca: cert }, serverHostname: "localhost" };

function read(name: string): string {
  return readFileSync(new URL(`../../conversations/${name}`, import.meta.url), "utf8");
}
