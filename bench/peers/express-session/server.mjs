// A session check as the article about sessions writes it: express, express-session, connect-redis, with its settings.
// Asked with: FOLDER, SESSIONS, REDIS PORT. `/v1/session` answers with Doorward's headers; `/as-written` with those that
// express adds if nothing is changed, too; `/plain` without asking for a session.

import { createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { held, listen, reply, userId } from "./parent.mjs";

const [folder, sessions, redis] = process.argv.slice(2);
const since = performance.now();
const secret = randomBytes(32).toString("base64url");
const month = 30 * 24 * 60 * 60 * 1000;
const cookie = { httpOnly: true, secure: process.env.NODE_ENV === "production", sameSite: "strict", maxAge: month };

const client = createClient({ url: `redis://127.0.0.1:${redis}` });
await client.connect();
const store = new RedisStore({ client });

// Filled through the store itself, with what it would have after a sign-in.
const lines = [];
for (let first = 0; first < Number(sessions); first += 1000) {
  const batch = [];
  for (let number = first; number < Math.min(first + 1000, Number(sessions)); number += 1) {
    const id = randomBytes(24).toString("base64url");
    const expires = new Date(Date.now() + month).toISOString();
    const kept = { originalMaxAge: month, expires, secure: cookie.secure, httpOnly: true, path: "/", sameSite: "strict" };
    batch.push(store.set(id, { cookie: kept, userId: userId(number), roles: ["user"] }));
    const signature = createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
    lines.push(`connect.sid=${encodeURIComponent(`s:${id}.${signature}`)}`);
  }
  await Promise.all(batch);
}
held(folder, lines);

const who = reply(folder);
const sessionsOf = session({ store, secret, resave: false, saveUninitialized: false, cookie });

function signedIn(request, response, next) {
  return request.session.userId ? next() : response.status(401).json({ error: "not signed in" });
}

// As everybody has express who changes nothing.
const written = express();
written.use(sessionsOf);
written.get("/as-written", signedIn, (request, response) => {
  response.set(who.headers).json(who.object(request.session.userId));
});

// The answer has Doorward's headers and no others: what express adds of its own accord is left out, and costs it nothing.
const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.get("/plain", (request, response) => response.set(who.headers).send(who.body(userId(0))));
app.use(sessionsOf);
app.get("/v1/session", signedIn, (request, response) => {
  response.set(who.headers).send(who.body(request.session.userId));
});
listen(createServer((request, response) => (request.url === "/as-written" ? written : app)(request, response)), since);
