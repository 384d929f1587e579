// A session check by better-auth over SQLite, with its cookie cache or without. Asked with: FOLDER, SESSIONS, and `cache`
// or `store`. SQLite comes from `libsql`, whose interface is that of better-sqlite3: it needs no compiler.

import { createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { betterAuth } from "better-auth";
import { toNodeHandler } from "better-auth/node";
import { getMigrations } from "better-auth/db/migration";
import { SqliteDialect } from "kysely";
import Database from "libsql";
import { held, listen, userId } from "./parent.mjs";

const [folder, sessions, mode] = process.argv.slice(2);
const since = performance.now();
const secret = randomBytes(32).toString("base64url");
const database = new Database(join(folder, "better-auth.db"));
database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
const options = {
  baseURL: "http://127.0.0.1",
  secret,
  database: { dialect: new SqliteDialect({ database }), type: "sqlite" },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  session: { cookieCache: { enabled: mode === "cache", maxAge: 3600 } },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();

// Users and sessions as its own tables have them, written in one transaction; the cookies are those of its sign-in.
const now = new Date();
const [later, today] = [new Date(now.getTime() + 7 * 86400 * 1000).toISOString(), now.toISOString()];
const user = database.prepare(
  'INSERT INTO "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt") VALUES (?, ?, ?, 1, ?, ?)',
);
const session = database.prepare(
  'INSERT INTO "session" ("id", "userId", "token", "expiresAt", "createdAt", "updatedAt", "ipAddress", "userAgent") ' +
    "VALUES (?, ?, ?, ?, ?, ?, '203.0.113.77', 'Chrome on Linux')",
);
let lines = [];
database.exec("BEGIN");
for (let number = 0; number < Number(sessions); number += 1) {
  const [id, token] = [userId(number), randomBytes(24).toString("base64url")];
  user.run(id, `Person ${number}`, `person-${number}@example.test`, today, today);
  session.run(`ses_${String(number).padStart(26, "0")}`, id, token, later, today, today);
  const signature = createHmac("sha256", secret).update(token).digest("base64");
  lines.push(`better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`);
}
database.exec("COMMIT");

const auth = betterAuth(options);
if (mode === "cache") {
  // Each client has asked once, and holds the cookie that it was given.
  const cached = [];
  for (const line of lines) {
    const response = await auth.handler(
      new Request("http://127.0.0.1/api/auth/get-session", { headers: { cookie: line } }),
    );
    const given = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    cached.push([line, ...given.filter((cookie) => cookie.includes("session_data"))].join("; "));
  }
  lines = cached;
}
held(folder, lines);
listen(createServer(toNodeHandler(auth)), since);
