// Verifies one token again and again with jsonwebtoken. A line on stdin is {algorithm, parsed, seconds}, the answer is
// {calls, seconds}. Asked with: FOLDER.

import { createPublicKey, createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import jsonwebtoken from "jsonwebtoken";
import { answer } from "./parent.mjs";

const [folder] = process.argv.slice(2);
const { issuer, audience, tokens } = JSON.parse(readFileSync(join(folder, "tokens.json"), "utf8"));

// A key that was made once, or the text that most programs keep it as.
function key({ point, secret }, parsed) {
  if (point) {
    const [x, y] = point;
    const made = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
    return parsed ? made : made.export({ type: "spki", format: "pem" });
  }
  const bytes = Buffer.from(secret);
  return parsed ? createSecretKey(bytes) : bytes.toString();
}

await answer(({ algorithm, parsed, seconds }) => {
  const token = tokens.find((one) => one.algorithm === algorithm);
  const options = { algorithms: [algorithm], issuer, audience };
  const held = key(token, parsed);
  const once = () => jsonwebtoken.verify(token.token, held, options);
  if (!once().sub.startsWith("usr_")) {
    throw new Error("another subject");
  }
  const began = performance.now();
  let calls = 0;
  while (performance.now() - began < seconds * 1000) {
    for (let call = 0; call < 32; call += 1) {
      once();
    }
    calls += 32;
  }
  return { calls, seconds: (performance.now() - began) / 1000 };
});
