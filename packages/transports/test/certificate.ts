import { generate } from "selfsigned";

/** A key and a certificate that signs itself, for the name and the address of this host. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate for `name` that is good for some days from now. */
export async function makeCertificate(name: string): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: name },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { key, cert };
}

/** The certificate of the servers of the tests. */
export const localhost: Certificate = await makeCertificate("localhost");
