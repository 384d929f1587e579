// Two hosts of one site in a real Chromium, over TLS: ours, and a sibling that somebody else runs, who tosses cookies at
// it. Asked with: ORIGIN (of the server), SIBLING (an origin to listen at), a certificate and its key, and the browser.
// One line a scenario on stdout; the first that fails ends the run with exit code 1.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";

import { launch, play } from "./stage.mjs";

const [origin, sibling, certificate, key, program] = process.argv.slice(2);

const ADA = { email: "ada@example.test", password: "copper-lantern-41" };
const MALLORY = { email: "mallory@example.test", password: "purple-thicket-58" };
const SITE = new URL(origin).hostname.split(".").slice(1).join(".");

const browser = await launch(program, `--host-resolver-rules=MAP *.${SITE} 127.0.0.1`);

// The sibling says in its answer whatever it was told to.
let tossed = [];
const evil = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  response.setHeader("content-type", "text/html");
  response.setHeader("set-cookie", tossed);
  response.end("<!doctype html><title>Sibling</title>");
});
await new Promise((ready) => evil.listen(new URL(sibling).port, "127.0.0.1", ready));

const context = () => browser.newContext({ ignoreHTTPSErrors: true });
const toss = async (page, cookies) => {
  tossed = cookies;
  await page.goto(`${sibling}/`);
};
const call = (page, method, path, body) =>
  page.evaluate(async ([method, path, body]) => {
    const headers = body ? { "content-type": "application/json" } : {};
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  }, [method, path, body]);
const cookies = async (jar, prefix) => (await jar.cookies(`${origin}/v1/session`)).filter((cookie) => cookie.name.startsWith(prefix));
const signIn = async (page, who) => {
  await page.goto(`${origin}/login`);
  await page.getByLabel("E-mail address").fill(who.email);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${origin}/account`);
};

// What Mallory has of her own, to be planted in somebody else's browser.
async function mallory() {
  const jar = await context();
  const page = await jar.newPage();
  await page.goto(`${origin}/login`);
  await call(page, "POST", "/v1/users", MALLORY);
  assert.equal((await call(page, "POST", "/v1/sessions", { ...MALLORY, client_id: "spa" })).status, 201);
  const [refresh] = await cookies(jar, "__Secure-dw_refresh_");
  await signIn(page, MALLORY);
  const [session] = await cookies(jar, "__Host-Http-dw_session");
  await jar.close();
  assert(refresh && session);
  return { refresh, session };
}

const scenarios = {
  async "a session cookie that a sibling tosses never arrives"() {
    const { session } = await mallory();
    const jar = await context();
    const page = await jar.newPage();
    const planted = [
      `${session.name}=${session.value}; Domain=${SITE}; Path=/; Secure; HttpOnly`,
      `${session.name}=${session.value}; Path=/; Secure; HttpOnly`,
      `${session.name}=${session.value}; Domain=${SITE}; Path=/v1; Secure`,
      `__Host-Http-dw_form=${"A".repeat(22)}; Domain=${SITE}; Path=/; Secure`,
      `__Host-Http-dw_device=x; Domain=${SITE}; Path=/; Secure`,
    ];
    await toss(page, planted);
    await page.goto(`${origin}/login`);
    assert.equal((await call(page, "GET", "/v1/session")).body.code, "no_credentials", "nobody is signed in by it");
    await signIn(page, ADA);
    await toss(page, planted);
    await page.goto(`${origin}/account`);
    await page.getByText(ADA.email).first().waitFor();
    assert.equal((await call(page, "GET", "/v1/session")).body.user.email, ADA.email, "nor anybody out");
    assert.equal((await cookies(jar, session.name)).length, 1);
    await jar.close();
  },

  async "a refresh cookie that a sibling tosses beside mine changes nothing, and mine works when it is gone"() {
    const { refresh } = await mallory();
    const jar = await context();
    const page = await jar.newPage();
    await page.goto(`${origin}/login`);
    assert.equal((await call(page, "POST", "/v1/sessions", { ...ADA, client_id: "spa" })).status, 201);
    await toss(page, [`${refresh.name}=${refresh.value}; Domain=${SITE}; Path=/v1/session; Secure; HttpOnly`]);
    await page.goto(`${origin}/login`);
    assert.equal((await cookies(jar, refresh.name)).length, 2, "Chromium keeps both: the prefix allows a domain");
    const ask = { client_id: "spa", attempt: "attempt-key-number-1" };
    const both = await call(page, "POST", "/v1/session/refresh", ask);
    assert.deepEqual([both.status, both.body.code], [400, "ambiguous_credentials"]);
    assert.equal((await cookies(jar, refresh.name)).length, 2, "a refusal clears nothing");
    await jar.clearCookies({ name: refresh.name, domain: `.${SITE}` });
    const mine = await call(page, "POST", "/v1/session/refresh", ask);
    assert.equal(mine.status, 200, JSON.stringify(mine.body));
    assert.equal(mine.body.user.email, ADA.email);
    await jar.close();
  },

  async "a page of the sibling, though of the same site, may neither call nor send a form"() {
    const jar = await context();
    const page = await jar.newPage();
    await signIn(page, ADA);
    await toss(page, []);
    const unread = page.evaluate((address) => fetch(address, { credentials: "include" }).then((answer) => answer.text()), `${origin}/v1/session`);
    await assert.rejects(unread, /TypeError/);
    for (const action of ["/logout", "/account/security", "/account/devices", "/login"]) {
      await page.goto(`${sibling}/`);
      await page.setContent(`<form method="post" action="${origin}${action}"><input name="form_token" value="x"><button>Go</button></form>`);
      await page.getByRole("button").click();
      await page.getByText("The request comes from another site.").first().waitFor();
    }
    await page.goto(`${origin}/account`);
    assert.equal((await call(page, "GET", "/v1/session")).body.user.email, ADA.email, "she is still in");
    await jar.close();
  },
};

await play(scenarios, browser);
