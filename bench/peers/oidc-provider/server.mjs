// Refreshing with rotation, and introspection, by oidc-provider. Everything is kept in memory, in a map without the limit
// of a thousand that the library's own adapter has; nothing is written to a disk. Asked with: FOLDER, SESSIONS.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Provider from "oidc-provider";
import { held, listen, userId } from "./parent.mjs";

const [folder, sessions] = process.argv.slice(2);
const since = performance.now();
const api = "https://api.example";
const kept = new Map();

class Adapter {
  constructor(model) {
    this.model = model;
  }
  async upsert(id, payload) {
    kept.set(`${this.model}:${id}`, payload);
  }
  async find(id) {
    return kept.get(`${this.model}:${id}`);
  }
  async consume(id) {
    kept.get(`${this.model}:${id}`).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    kept.delete(`${this.model}:${id}`);
  }
  async findByUid() {}
  async findByUserCode() {}
  async revokeByGrantId() {}
}

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const both = {
  redirect_uris: ["https://app.example/callback"],
  response_types: ["code"],
  id_token_signed_response_alg: "ES256",
};
const clients = [
  { client_id: "bench-hybrid", token_endpoint_auth_method: "none", grant_types: ["authorization_code", "refresh_token"] },
  { client_id: "bench-api", client_secret: "bench-api-secret", grant_types: ["authorization_code"] },
];
const provider = new Provider("http://localhost:8080", {
  adapter: Adapter,
  clients: clients.map((client) => ({ ...client, ...both })),
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256", kid: "bench" }] },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => api,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "read",
        audience: api,
        accessTokenTTL: 900,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
  ttl: { AccessToken: 86400, Grant: 2592000, RefreshToken: 2592000 },
});

// A grant, a refresh token and an opaque access token for each.
const client = await provider.Client.find("bench-hybrid");
const [refresh, access] = [[], []];
for (let number = 0; number < Number(sessions); number += 1) {
  const accountId = userId(number);
  const grant = new provider.Grant({ accountId, clientId: client.clientId });
  grant.addResourceScope(api, "read");
  grant.addOIDCScope("offline_access");
  const grantId = await grant.save();
  const common = { accountId, client, grantId, gty: "authorization_code", scope: "read offline_access" };
  refresh.push(await new provider.RefreshToken({ ...common, resource: api }).save());
  access.push(await new provider.AccessToken({ ...common, scope: "offline_access" }).save());
}
held(folder, access);
writeFileSync(join(folder, "refresh-tokens.txt"), `${refresh.join("\n")}\n`);
listen(createServer(provider.callback()), since);
