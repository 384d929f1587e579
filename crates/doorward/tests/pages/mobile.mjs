// The two files of docs/recipes/mobile.md as they stand there, on a network that loses what it carries. Asked with the
// server's address, in the folder that holds them; a line for each scenario, and `all well` at the end.

import assert from "node:assert/strict";
import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const door = process.argv[2];
const own = (name) => import(pathToFileURL(path.resolve(name)));
const { SignedOut, Tokens } = await own("tokens.js");
const { call } = await own("api.js");
const CLIENT = "shop-app";

// Between application and server. `fate` says what becomes of each refresh.
let fate = [];
let turns = 0;
const network = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const turn = request.url === "/v1/session/refresh";
  turns += turn;
  const what = turn ? (fate.shift() ?? "through") : "through";
  if (what === "request lost") return request.socket.destroy();
  const { authorization, "content-type": type } = request.headers;
  const headers = Object.fromEntries(Object.entries({ authorization, "content-type": type }).filter(([, value]) => value));
  const body = chunks.length ? Buffer.concat(chunks) : undefined;
  const answer = await fetch(door + request.url, { method: request.method, headers, body });
  const text = await answer.text();
  if (what === "reply lost") return request.socket.destroy();
  if (what === "slow") await new Promise((done) => setTimeout(done, 500));
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
  response.end(what === "half a reply" ? text.slice(0, 40) : text);
});
await new Promise((ready) => network.listen(0, "127.0.0.1", ready));
const address = `http://127.0.0.1:${network.address().port}`;

// What the Keychain would hold: text, replaced by compare-and-set. It outlives the application.
class Store {
  text = "null";
  async read() {
    return JSON.parse(this.text);
  }
  async replace(from, to) {
    if (this.text !== JSON.stringify(from)) return false;
    this.text = JSON.stringify(to);
    return true;
  }
}

async function password() {
  const body = JSON.stringify({ email: "ada@example.test", password: "copper-lantern-41", client_id: CLIENT, transport: "body" });
  const answer = await fetch(`${door}/v1/sessions`, { method: "POST", headers: { "content-type": "application/json" }, body });
  assert.equal(answer.status, 201);
  return answer.json();
}

async function signIn() {
  const store = new Store();
  const tokens = new Tokens(address, CLIENT, store);
  await tokens.signedIn(await password());
  return { store, tokens };
}

const run_out = async (store) => store.replace(await store.read(), { ...(await store.read()), accessUntil: 0 });
const works = async (tokens) => {
  const answer = await call(tokens, `${address}/v1/session`);
  assert.equal(answer.status, 200, await answer.text());
};

const scenarios = {
  async "a token that is good costs no refresh, and eight callers one"() {
    const { store, tokens } = await signIn();
    turns = 0;
    await works(tokens);
    assert.equal(turns, 0);
    await run_out(store);
    const all = await Promise.all(Array.from({ length: 8 }, () => tokens.access()));
    assert.equal(new Set(all).size, 1);
    assert.equal(turns, 1);
    await works(tokens);
  },

  async "replies and requests are lost, and nobody is signed out"() {
    const { store, tokens } = await signIn();
    for (let round = 0; round < 3; round += 1) {
      await run_out(store);
      fate = [["reply lost"], ["request lost", "reply lost"], ["half a reply"]][round];
      await tokens.access();
      assert.deepEqual(fate, []);
      await works(tokens);
    }
  },

  async "the application is killed between sending and hearing, and starts again"() {
    const { store } = await signIn();
    const before = (await store.read()).refreshToken;
    await run_out(store);
    // Killed: what it would have done with the reply never happens, and its memory is gone.
    const killed = new Tokens(address, CLIENT, { read: () => store.read(), replace: (from, to) => (to.attempt ? store.replace(from, to) : new Promise(() => {})) });
    turns = 0;
    killed.access();
    while (turns === 0) await new Promise((done) => setTimeout(done, 10));
    await new Promise((done) => setTimeout(done, 200));
    assert.equal((await store.read()).refreshToken, before, "the reply was never kept");
    assert((await store.read()).attempt, "and the key was");
    const again = new Tokens(address, CLIENT, store);
    await works(again);
    assert.notEqual((await store.read()).refreshToken, before);
    assert.equal((await store.read()).attempt, null);
  },

  async "a token that the server refuses is renewed once, and the call comes again"() {
    const { store, tokens } = await signIn();
    await store.replace(await store.read(), { ...(await store.read()), accessToken: "no.token.atall" });
    turns = 0;
    await works(tokens);
    assert.equal(turns, 1);
  },

  async "a thief who copied the token ends the session, and the owner is told"() {
    const { store, tokens } = await signIn();
    const stolen = (await store.read()).refreshToken;
    const body = JSON.stringify({ refresh_token: stolen, client_id: CLIENT, attempt: "the-thiefs-own-key" });
    const theft = await fetch(`${door}/v1/session/refresh`, { method: "POST", headers: { "content-type": "application/json" }, body });
    assert.equal(theft.status, 200, "until the owner comes");
    await run_out(store);
    await assert.rejects(tokens.access(), SignedOut);
    assert.equal(await store.read(), null);
    const { access_token } = await theft.json();
    const after = await fetch(`${door}/v1/session`, { headers: { authorization: `Bearer ${access_token}` } });
    assert.equal(after.status, 401, "and the thief has nothing either");
  },

  async "somebody signs in while a refresh is under way, and theirs is what stays"() {
    const { store, tokens } = await signIn();
    await run_out(store);
    fate = ["slow"];
    turns = 0;
    const under_way = tokens.access();
    while (turns === 0) await new Promise((done) => setTimeout(done, 10));
    const theirs = await password();
    await tokens.signedIn(theirs);
    await under_way;
    assert.equal((await store.read()).refreshToken, theirs.refresh_token);
    await works(tokens);
  },

  async "an old copy of the store is told to sign in, and breaks nothing"() {
    const { store, tokens } = await signIn();
    await run_out(store);
    const old = new Store();
    await old.replace(null, { ...(await store.read()), attempt: "the-key-of-that-try-01" });
    await store.replace(await store.read(), await old.read());
    await tokens.access();
    await run_out(store);
    await tokens.access();
    // Within the leeway the same attempt is given the current token. Both copies hold it then, and one key each ends it; so
    // only what comes of the first call is looked at here.
    const copy = new Tokens(address, CLIENT, old);
    await copy.access().catch((error) => assert(error instanceof SignedOut, error));
    await works(tokens);
  },
};

for (const [name, scenario] of Object.entries(scenarios)) {
  fate = [];
  await scenario();
  console.log(`ok: ${name}`);
}
console.log("all well");
process.exit(0);
