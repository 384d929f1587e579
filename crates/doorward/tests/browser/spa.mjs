// `session.js` of docs/recipes/spa.md as it stands there, in a real Chromium, from an origin of its own, over a network
// that loses replies. Asked with: DOOR (the server), SHOP (an origin that its client lists), a folder with the page's files, and
// the browser. One line a scenario on stdout; the first that fails ends the run with exit code 1.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";

import { launch, play } from "./stage.mjs";

const [door, shop, folder, program] = process.argv.slice(2);
const ADA = { email: "ada@example.test", password: "copper-lantern-41" };

// Between browser and server, under one host name with the pages, as in production: `lost` replies to refreshes never arrive.
let lost = 0;
let slow = 0;
const counts = { refreshes: 0, statuses: [] };
const network = http.createServer((request, response) => {
  const turn = request.method === "POST" && request.url === "/v1/session/refresh";
  const onward = http.request(door + request.url, { method: request.method, headers: request.headers }, (answer) => {
    if (turn) {
      counts.refreshes += 1;
      counts.statuses.push(answer.statusCode);
      if (lost > 0) {
        lost -= 1;
        answer.resume();
        return request.socket.destroy();
      }
    }
    setTimeout(() => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }, turn ? slow : 0);
  });
  request.pipe(onward);
});
await new Promise((ready) => network.listen(0, "127.0.0.1", ready));
const front = `http://localhost:${network.address().port}`;

// The application: a page without scripts, the page of the recipe, and its module.
const files = {
  "/": ["text/html", "<!doctype html><title>shop</title>"],
  "/shown": ["text/html", `<!doctype html><title></title>${readFileSync(path.join(folder, "page.html"), "utf8")}`],
  "/session.js": ["text/javascript", readFileSync(path.join(folder, "session.js"), "utf8")],
};
files["/shown"][1] = files["/shown"][1].replace("http://localhost:8420", front);
const pages = http.createServer((request, response) => {
  const [type, text] = files[request.url] ?? ["text/plain", ""];
  response.writeHead(text ? 200 : 404, { "content-type": type });
  response.end(text);
});
await new Promise((ready) => pages.listen(new URL(shop).port, "127.0.0.1", ready));

const browser = await launch(program);

// A tab of the application, with the recipe's object at hand.
async function tab(context) {
  const page = await context.newPage();
  await page.goto(`${shop}/`);
  await page.evaluate(async (front) => {
    const { session, SignedOut } = await import("/session.js");
    Object.assign(window, { me: session(front, "shop"), SignedOut });
  }, front);
  return page;
}

const signIn = (page) => page.evaluate(async ({ email, password }) => (await me.signIn(email, password)).user?.email, ADA);
const restore = (page) => page.evaluate(() => me.restore().then((reply) => reply.user.email, (error) => error.name + (error instanceof SignedOut ? " signed out" : "")));
const who = (page) => page.evaluate((front) => me.call(`${front}/v1/session`).then(async (reply) => (await reply.json()).user?.email ?? reply.status, (error) => (error instanceof SignedOut ? "signed out" : String(error))), front);

const scenarios = {
  async "a password signs in, and nothing that opens anything can be read by a script"(context) {
    const page = await tab(context);
    assert.equal(await restore(page), "Error signed out", "nobody yet");
    assert.equal(await page.evaluate(() => me.signIn("ada@example.test", "a guess").then((reply) => reply.code)), "invalid_credentials");
    assert.equal(await signIn(page), ADA.email);
    assert.equal(await who(page), ADA.email);
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    assert(!/ey[A-Za-z0-9_-]{20}|dw[srd]_/.test(kept), kept);
  },

  async "a reload keeps people signed in, and the page of the recipe says who they are"(context) {
    const page = await tab(context);
    await signIn(page);
    const shown = await context.newPage();
    await shown.goto(`${shop}/shown`);
    await shown.waitForFunction((email) => document.title === email, ADA.email);
    await shown.reload();
    await shown.waitForFunction((email) => document.title === email, ADA.email);
  },

  async "eight tabs that wake up at once all get a token, one after the other"(context) {
    const first = await tab(context);
    await signIn(first);
    const tabs = await Promise.all(Array.from({ length: 8 }, () => tab(context)));
    counts.statuses = [];
    slow = 50;
    assert.deepEqual(new Set(await Promise.all(tabs.map(restore))), new Set([ADA.email]));
    slow = 0;
    assert.deepEqual(counts.statuses, Array(8).fill(200));
    assert.deepEqual(new Set(await Promise.all([first, ...tabs].map(who))), new Set([ADA.email]));
  },

  async "callers in one tab share a refresh"(context) {
    const page = await tab(context);
    await signIn(page);
    counts.refreshes = 0;
    await page.evaluate(() => Promise.all([me.restore(), me.restore(), me.restore()]));
    assert.equal(counts.refreshes, 1);
  },

  async "a reply that is lost is asked for again, and nobody is signed out"(context) {
    const page = await tab(context);
    await signIn(page);
    lost = 2;
    counts.refreshes = 0;
    assert.equal(await restore(page), ADA.email);
    assert.equal(counts.refreshes, 3);
    assert.equal(await restore(page), ADA.email, "and the next turn is an ordinary one");
  },

  async "a tab that is closed in the middle leaves its attempt to the next one"(context) {
    const page = await tab(context);
    await signIn(page);
    lost = 1000;
    page.evaluate(() => me.restore()).catch(() => {});
    counts.refreshes = 0;
    while (counts.refreshes === 0) await new Promise((done) => setTimeout(done, 10));
    await page.close();
    lost = 0;
    const next = await tab(context);
    assert.equal(await restore(next), ADA.email);
    assert.equal(await who(next), ADA.email);
  },

  async "signing out in one tab is signing out in all"(context) {
    const [one, other] = [await tab(context), await tab(context)];
    await signIn(one);
    assert.equal(await restore(other), ADA.email);
    await one.evaluate(() => me.signOut());
    assert.equal(await who(other), "signed out");
    assert.equal(await restore(one), "Error signed out");
    assert.equal(await signIn(one), ADA.email, "and in again");
    assert.equal(await restore(other), ADA.email);
  },
};

await play(scenarios, browser, async (scenario) => {
  const context = await browser.newContext();
  [lost, slow] = [0, 0];
  try {
    await scenario(context);
  } catch (error) {
    throw new Error(`${error.stack} ${JSON.stringify(counts)}`);
  }
  await context.close();
});
