// Verifies tokens with jose as people use it: createRemoteJWKSet with nothing set. Asked with: JWKS, ISSUER.
// A line on stdin is {now, verifier, tokens}; the answer is a line with the reasons of those that were refused. Each
// verifier keeps a key set of its own. The clock stands at `now` between lines.

import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";

const [jwks, issuer] = process.argv.slice(2);
let now = 0;
const Real = globalThis.Date;
globalThis.Date = class extends Real {
  constructor(...words) {
    super(...(words.length === 0 ? [now] : words));
  }
  static now() {
    return now;
  }
};

const require = createRequire(path.join(process.cwd(), "package.json"));
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(require.resolve("jose")));

const verifiers = new Map();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  now = asked.now;
  if (!verifiers.has(asked.verifier)) {
    verifiers.set(asked.verifier, createRemoteJWKSet(new URL(jwks)));
  }
  const refused = [];
  for (const token of asked.tokens) {
    try {
      await jwtVerify(token, verifiers.get(asked.verifier), { issuer, audience: issuer });
    } catch (error) {
      refused.push(`${error.code}: ${error.message}`);
    }
  }
  console.log(JSON.stringify(refused));
}
