// Real Chromium on the real pages. Asked with: ORIGIN, SHOTS (a folder for screenshots), TOKEN (a JWT of the server), the
// browser, LISTED (an origin whose pages may call), Doorward's own program, and secrets of all kinds.
// One line a scenario on stdout; the first that fails ends the run with exit code 1.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import http from "node:http";
import path from "node:path";

import { launch, play, require } from "./stage.mjs";

const [origin, shots, token, program, listed, doorward, ...held] = process.argv.slice(2);
const axe = require("axe-core").source;

const ADA = { email: "ada@example.test", password: "copper-lantern-41" };
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
mkdirSync(shots, { recursive: true });

const browser = await launch(program);

// A fresh profile, and a page in it. Every page must be quiet: nothing in the console, nothing refused by the policy.
async function visit(options = {}, work) {
  const context = await browser.newContext({ viewport: SIZES.desktop, ...options });
  const page = await context.newPage();
  const noises = [];
  page.on("pageerror", (error) => noises.push(String(error)));
  page.on("console", (message) => {
    // Chromium says so of every answer of 4xx, which the forms of this test ask for.
    if (["error", "warning"].includes(message.type()) && !message.text().startsWith("Failed to load resource")) noises.push(message.text());
  });
  try {
    await work(page, context);
  } catch (error) {
    await page.screenshot({ path: path.join(shots, "failed.png") }).catch(() => {});
    throw new Error(`at ${page.url()}: ${error.stack}`);
  }
  assert.deepEqual(noises, []);
  await context.close();
}

const at = (page) => page.url().slice(origin.length);

async function signIn(page, who = ADA) {
  await page.goto(`${origin}/login`);
  await page.getByLabel("E-mail address").fill(who.email);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${origin}/account`);
}

const scenarios = {
  async "with a mouse: up, devices, password, out, in"(name) {
    await visit({}, async (page, context) => {
      const who = { email: `${name}@example.test`, password: "violet-anchor-77" };
      await page.goto(`${origin}/`);
      assert.equal(at(page), "/login?return_to=/account");
      await page.getByRole("link", { name: "Make one" }).click();
      await page.getByLabel("Name").fill("Grace Hopper");
      await page.getByLabel("E-mail address").fill(who.email);
      await page.getByLabel("Password", { exact: true }).fill(who.password);
      const show = page.getByRole("button", { name: "Show password" });
      await show.click();
      assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), who.password);
      await page.getByRole("button", { name: "Make the account" }).click();
      await page.waitForURL(/notice=welcome/);
      await page.getByText("Grace Hopper").waitFor();
      const cookies = await context.cookies();
      for (const cookie of cookies) assert(cookie.httpOnly && cookie.secure && cookie.sameSite === "Lax", cookie.name);
      assert.deepEqual(cookies.map((cookie) => cookie.name).sort(), ["__Host-Http-dw_device", "__Host-Http-dw_form", "__Host-Http-dw_session"]);

      await visit({}, async (other) => {
        await signIn(other, who);
        await page.getByRole("link", { name: "Devices", exact: true }).click();
        assert.equal(await page.getByRole("listitem").filter({ hasText: "Signed in with" }).count(), 2);
        await page.getByRole("button", { name: "Sign out", exact: true }).last().click();
        await page.getByText("The device is signed out.").waitFor();
        await other.goto(`${origin}/account`);
        assert.equal(at(other), "/login?return_to=/account");
        await other.getByText("Your session has ended.").waitFor();
      });

      await page.getByRole("link", { name: "Security", exact: true }).click();
      await page.getByLabel("Current password", { exact: true }).fill(who.password);
      await page.getByLabel("New password", { exact: true }).fill("amber-signal-52");
      await page.getByRole("button", { name: "Change the password" }).click();
      await page.getByText("Your password is changed.").waitFor();
      await page.getByRole("banner").getByRole("button", { name: "Sign out" }).click();
      await page.getByText("You are signed out.").waitFor();
      await signIn(page, { ...who, password: "amber-signal-52" });
    });
  },

  async "with the keyboard alone"() {
    await visit({}, async (page) => {
      await page.goto(`${origin}/login`);
      const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Skip to the content");
      const skip = await page.evaluate(() => document.activeElement.getBoundingClientRect().top);
      assert(skip >= 0 || (await page.waitForFunction(() => document.activeElement.getBoundingClientRect().top >= 0)));
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "email");
      await page.keyboard.type(ADA.email);
      await page.keyboard.press("Tab");
      await page.keyboard.type("wrong");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").waitFor();
      await page.waitForFunction(() => document.activeElement.id === "faults");
      assert.match(await page.title(), /^Error: /);
      assert.equal(await page.getByLabel("E-mail address").inputValue(), ADA.email);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement.id === "password");
      await page.keyboard.type(ADA.password);
      await page.keyboard.press("Enter");
      await page.waitForURL(`${origin}/account`);
      for (let steps = 0; (await focused()) !== "Sign out"; steps += 1) {
        assert(steps < 12, "the button is within reach");
        await page.keyboard.press("Tab");
        const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(ring, "none", "the focus is seen");
      }
      await page.keyboard.press("Enter");
      await page.waitForURL(/signed_out/);
    });
  },

  async "without JavaScript"(name) {
    await visit({ javaScriptEnabled: false }, async (page) => {
      const who = { email: `${name}@example.test`, password: "violet-anchor-77" };
      await page.goto(`${origin}/signup`);
      await page.getByLabel("E-mail address").fill(who.email);
      await page.getByLabel("Password", { exact: true }).fill(who.password);
      await page.getByRole("button", { name: "Make the account" }).click();
      await page.getByText("Welcome.").waitFor();
      await page.goto(`${origin}/account/security`);
      await page.getByLabel("Current password").fill("wrong");
      await page.getByLabel("New password").fill("amber-signal-52");
      await page.getByRole("button", { name: "Change the password" }).click();
      await page.getByText("The current password is not right.").waitFor();
      await page.goto(`${origin}/account/devices`);
      await page.getByRole("button", { name: "Sign out here" }).click();
      await page.getByText("You are signed out.").waitFor();
      await signIn(page, who);
      await page.goto(`${origin}/tools/jwt`);
      // (Texts inside noscript are passed over by getByText.)
      await page.locator("noscript p").waitFor();
      assert.equal(await page.locator("#tool").isVisible(), false);
    });
  },

  async "advice without JavaScript: questions, answers in the address, and back to change them"() {
    await visit({ javaScriptEnabled: false }, async (page) => {
      await page.goto(`${origin}/login`);
      await page.getByRole("link", { name: "Session or token?" }).click();
      const question = (text) => page.getByRole("group", { name: text });
      await question("Is it one simple application").getByLabel("Yes").check();
      await question("Is a mobile app").getByLabel("No", { exact: true }).check();
      await page.getByLabel("A small team").check();
      await page.getByRole("button", { name: "Advise me" }).click();
      await page.getByRole("heading", { name: "Just use sessions." }).waitFor();
      assert.match(at(page), /monolith=yes/);
      assert.match(await page.getByLabel("doorward.toml").inputValue(), /asked = \["monolith", "small_team"\]/);
      assert.equal(await question("Is it one simple application").getByLabel("Yes").isChecked(), true);
      await question("Do several services").getByLabel("Yes").check();
      await page.getByLabel("Under which address").fill("https://id.acme.test");
      await page.getByRole("button", { name: "Advise me" }).click();
      await page.getByRole("heading", { name: "Use the hybrid: your answers pull both ways." }).waitFor();
      assert.match(await page.getByLabel("doorward.toml").inputValue(), /issuer = "https:\/\/id.acme.test"/);
    });
  },

  async "the token tool sends nothing, and verifies on request"() {
    await visit({}, async (page) => {
      const sent = [];
      await page.goto(`${origin}/tools/jwt`, { waitUntil: "networkidle" });
      page.on("request", (request) => sent.push(`${request.method()} ${request.url()} ${request.postData() ?? ""}`));
      const field = page.getByLabel("Token");
      const verdict = page.locator("#verdict");
      const verify = page.getByRole("button", { name: "Verify with the keys" });
      await field.fill(token);
      await verdict.getByText("NOT VERIFIED").waitFor();
      for (const claim of ["iss", "sub", "aud", "exp", "iat", "jti"]) {
        await page.locator("#claims dt").filter({ has: page.getByText(claim, { exact: true }) }).waitFor();
      }
      await page.getByText("Issuer: who made the token").waitFor();
      assert.equal(await page.locator("#findings li").count(), 0, "our own tokens give no cause for concern");
      await page.getByText("None of the twelve checks").waitFor();
      const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const forged = (header, claims) => `${part(header)}.${part(claims)}.c2ln`;
      const now = Math.floor(Date.now() / 1000);
      for (const [claims, warning] of [
        [{ exp: now - 600 }, "It expired 10 minutes ago"],
        [{ exp: now + 600, nbf: now + 300 }, "It is not good yet: nbf is in"],
      ]) {
        await field.fill(forged({ alg: "ES256" }, claims));
        await page.locator("#findings").getByText(warning).waitFor();
        await verdict.getByText("NOT VERIFIED").waitFor();
      }
      await field.fill(forged({ alg: "ES256" }, { name: "<img src=x onerror=alert(1)>" }));
      await page.locator("#claims").getByText("<img src=x onerror=alert(1)>").waitFor();
      for (const nonsense of ["hello", "a.b.c", "a.b.c.d.e", "..", "{}"]) {
        await field.fill(nonsense);
        await verdict.getByText("NOT A TOKEN").waitFor();
      }
      assert.deepEqual(sent, [], "decoding is done here");
      const keys = [`GET ${origin}/.well-known/jwks.json `];

      await field.fill(token);
      await verify.click();
      await verdict.getByText("SIGNATURE VERIFIED").waitFor();
      assert.deepEqual(sent, keys, "verifying fetches the public keys and tells nothing");
      const [head, body, signature] = token.split(".");
      const claims = JSON.parse(Buffer.from(body, "base64url"));
      for (const changed of [
        `${head}.${part({ ...claims, sub: "usr_other" })}.${signature}`,
        `${head}.${body}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`,
        `${part({ ...JSON.parse(Buffer.from(head, "base64url")), alg: "EdDSA" })}.${body}.${signature}`,
        `${part({ alg: "none" })}.${body}.`,
        `${part({ alg: "ES256", kid: "key_other" })}.${body}.${signature}`,
      ]) {
        await field.fill(changed);
        await verdict.getByText("NOT VERIFIED").waitFor();
        await verify.click();
        await verdict.getByText("REFUSED").waitFor();
      }
      assert(sent.every((line) => line === keys[0]), "and nothing else");
    });
  },

  async "the checklist finds what the command finds, with the same numbers"() {
    const part = (text) => Buffer.from(text).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: "https://id.test", sub: "usr_1", aud: "https://api.test", iat: now - 10, exp: now + 600, jti: "tok_00000000001234567890", roles: ["admin"] };
    const head = { alg: "ES256", kid: "key_1", typ: "at+jwt" };
    const of = (header, claims) => [JSON.stringify({ ...head, ...header }), JSON.stringify({ ...good, ...claims })];
    const headers = [
      { alg: "none" }, { alg: "nOnE" }, { alg: "XX1" }, { alg: 1 }, { alg: undefined }, { alg: "HS512" }, { alg: "RS256" }, { typ: undefined },
      { typ: "JWT" }, { typ: "jwt" }, { typ: "" }, { typ: 5 }, { jku: "https://x.test" }, { jwk: {}, crit: ["b64"], b64: false }, { zip: "DEF" },
    ];
    const claims = [
      {}, { exp: undefined }, { exp: null }, { exp: String(now) }, { exp: now + 0.5 }, { exp: -1 }, { exp: now + 7200 }, { iat: now + 3600 },
      { iat: undefined, exp: now + 7200 }, { iat: "soon" }, { nbf: now + 600 }, { nbf: now + 300 }, { exp: now - 20 }, { exp: now - 600 },
      { iss: "" }, { aud: null }, { aud: [] }, { sub: undefined, jti: "" }, { email: "x" }, { name: 1 }, { PassWord: 1 }, { note: "ada@example.test" },
      { url: "https://a.test/?x" }, { card: "4111111111111111" }, { groups: ["a", "sk_live_1"] }, { deep: { er: { birth_day: 1 } } },
      { deep: [{ er: [{ "1234567890": 1 }] }] }, { sid: "123456789" }, { picture: null },
      { sub: "1234567890" }, { sub: "auth0|107612345678901234567" }, { sub: "ada@example.test" }, { aud: ["407408718192.apps.test"] }, { azp: "ghp_1" },
      { act: { sub: "1234567890" } }, { act: { n: ["1234567890"] } }, { tenant: "12345678-1234-4123-8123-123456789012" },
      { groups: ["12345678-1234-4123-8123-123456789ABC", "a"] }, { tenant: "12345678-1234-4123-8123-1234567890123" }, { tenant: "x12345678-1234-4123-8123-123456789012" },
      { tenant: "12345678-1234-4123-8123-123456789012\n" }, { tenant: "EYJhbGci" }, { pad: "x".repeat(900) }, { "\u212Aey": "\u0130" },
    ];
    const tokens = [
      ...headers.map((header) => of(header, {})), ...claims.map((each) => of({}, each)),
      [of({}, {})[0].replace("{", '{"kid":"other",'), of({}, {})[1]], [of({}, {})[0], of({}, {})[1].replace("{", '{"s\\u0075b":"other",')],
      [of({}, {})[0], of({}, { deep: { a: [{ b: 1 }], b: "{\\\":" } })[1].replace('"b":1', '"b":1,"b":2')],
    ].map(([header, payload]) => `${part(header)}.${part(payload)}.c2ln`);
    await visit({}, async (page) => {
      await page.goto(`${origin}/tools/jwt`);
      for (const token of [...tokens, "e30.e30."]) {
        const lint = spawnSync(doorward, ["jwt", "lint", "-", "--format", "json"], { input: token, encoding: "utf8" });
        const told = JSON.parse(lint.stdout).data.map(({ id, place }) => `${id} ${place}`);
        await page.getByLabel("Token").fill(token);
        const shown = await page.locator("#findings li").evaluateAll((items) =>
          items.flatMap((item) => Array.from(item.querySelectorAll(":scope > code"), (place) => `${item.querySelector("strong").textContent} ${place.textContent}`)));
        const numbered = shown.filter((line) => line.startsWith("DW"));
        assert.deepEqual(numbered.sort(), told.sort(), Buffer.from(token.split(".")[1], "base64url").toString());
      }
    });
  },

  async "secrets and hashes are made in the browser, as the command makes them"() {
    await visit({}, async (page) => {
      const sent = [];
      await page.goto(`${origin}/tools`);
      await page.getByRole("link", { name: "Secrets and passwords" }).click();
      await page.waitForLoadState("networkidle");
      page.on("request", (request) => sent.push(request.url()));
      const draw = async (what) => {
        await page.getByRole("button", { name: `Draw a ${what}` }).click();
        return page.getByLabel(`Your ${what}`).inputValue();
      };
      const first = await draw("secret");
      assert.match(first, /^[\w-]{43}$/);
      assert.notEqual(await draw("secret"), first);
      await page.getByText("256 bits were drawn.").waitFor();
      await page.getByLabel("Bytes").fill("16");
      await page.getByLabel("Written in").selectOption("hexadecimal");
      assert.match(await draw("secret"), /^[0-9a-f]{32}$/);
      const last = await page.getByLabel("Your secret").inputValue();
      for (const wrong of ["", "15", "1025"]) {
        await page.getByLabel("Bytes").fill(wrong);
        assert.equal(await draw("secret"), last, `${wrong} bytes are not drawn`);
      }
      assert.match(await draw("password"), /^([a-km-z2-9]{5}-){3}[a-km-z2-9]{5}$/);
      await page.getByText("100 bits were drawn.").waitFor();
      await page.getByLabel("Of what").selectOption("words");
      assert.match(await draw("password"), /^([bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz](-|$)){6}/);
      await page.getByText("96 bits were drawn.").waitFor();
      const hash = (text) => spawnSync(doorward, ["generate", "hash", "--secret", "--stdin"], { input: text, encoding: "utf8" }).stdout.trim();
      const verdict = page.locator("#verdict");
      for (const whole of held) {
        await page.getByLabel("Secret", { exact: true }).fill(whole);
        await verdict.getByText(hash(whole), { exact: true }).waitFor();
        await page.getByLabel("Secret", { exact: true }).fill(whole.replace(/.$/, (end) => (end === "a" ? "b" : "a")));
        await verdict.getByText("A CHARACTER IS WRONG").waitFor();
      }
      await page.getByLabel("Secret", { exact: true }).fill(held[0].slice(0, -1));
      await verdict.getByText("NO SECRET OF DOORWARD").waitFor();
      assert.deepEqual(sent, [], "nothing leaves the browser");
    });
    await visit({ javaScriptEnabled: false }, async (page) => {
      await page.goto(`${origin}/tools/secrets`);
      await page.locator("noscript p").waitFor();
      assert.equal(await page.locator("#tool").isVisible(), false);
    });
  },

  async "a page of a listed origin calls with cookies, and one of any other gets nothing"() {
    const blank = (request, response) => {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>Elsewhere</title>");
    };
    const servers = [http.createServer(blank).listen(new URL(listed).port, "127.0.0.1"), http.createServer(blank).listen(0, "127.0.0.1")];
    await Promise.all(servers.map((server) => server.listening || new Promise((ready) => server.once("listening", ready))));
    const other = `http://localhost:${servers[1].address().port}`;
    // (What Chromium refuses it also says in the console, so these pages are not quiet.)
    const context = await browser.newContext();
    const page = await context.newPage();
    const call = (method, path, body) =>
      page.evaluate(async ([address, method, body]) => {
        const headers = body ? { "content-type": "application/json" } : {};
        try {
          const answer = await fetch(address, { method, headers, body: body && JSON.stringify(body), credentials: "include" });
          return { status: answer.status, body: await answer.json() };
        } catch (error) {
          return { refused: String(error) };
        }
      }, [origin + path, method, body]);
    const signIn = { ...ADA, client_id: "spa" };
    const held = async () => (await context.cookies(origin)).filter((cookie) => cookie.name === "__Host-Http-dw_session").map((cookie) => cookie.value);

    await page.goto(`${other}/`);
    assert.match((await call("POST", "/v1/sessions", signIn)).refused, /TypeError/);
    assert.deepEqual(await held(), [], "and nobody is signed in by it");
    await page.goto(`${listed}/`);
    assert.equal((await call("POST", "/v1/sessions", signIn)).status, 201);
    assert.equal((await call("GET", "/v1/session")).body.user.email, ADA.email);
    const [secret] = await held();

    // The cookie is there now, and a page elsewhere on this very host neither uses it, nor reads by it, nor replaces it.
    await page.goto(`${other}/`);
    for (const [method, path] of [["GET", "/v1/session"], ["GET", "/v1/sessions"], ["DELETE", "/v1/session"], ["POST", "/v1/session/refresh"]]) {
      assert.match((await call(method, path)).refused, /TypeError/, path);
    }
    // What is sent without asking is refused there, and not even its refusal is shown here.
    const unasked = page.evaluate((address) => fetch(address, { method: "POST", mode: "no-cors", credentials: "include" }), `${origin}/logout`);
    await assert.rejects(unasked, /TypeError/);
    await page.evaluate(() => {
      document.cookie = "__Host-Http-dw_session=tossed; Path=/; Secure";
      document.cookie = "__Host-Http-dw_session=tossed; Path=/v1; Secure; Domain=localhost";
    });
    assert.deepEqual(await held(), [secret], "no script can toss it");
    await page.setContent(`<iframe src="${origin}/login"></iframe>`);
    await page.waitForTimeout(500);
    const framed = page.frames().find((frame) => frame !== page.mainFrame());
    assert.equal(await framed.locator("form").count(), 0, "no page of ours stands in another's frame");
    await page.setContent(`<form method="post" action="${origin}/logout"><button>Go</button></form>`);
    await page.getByRole("button").click();
    await page.getByText("The request comes from another site.").waitFor();
    await page.goto(`${listed}/`);
    assert.equal((await call("GET", "/v1/session")).status, 200, "the session is as it was");
    assert.equal((await call("DELETE", "/v1/session")).status, 200);
    assert.deepEqual(await held(), []);
    await context.close();
    servers.forEach((server) => server.close());
  },

  async "axe finds nothing, in light and dark; and screenshots"() {
    const still = { reducedMotion: "reduce", bypassCSP: true };
    for (const colorScheme of ["light", "dark"]) {
      for (const [size, viewport] of Object.entries(SIZES)) {
        await visit({ ...still, colorScheme, viewport }, async (page) => {
          const look = async (name) => {
            await page.screenshot({ path: path.join(shots, `${name}-${size}-${colorScheme}.png`), fullPage: true });
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert(wide <= 0, `${name} on a ${size} is ${wide} pixels too wide`);
            const small = await page.evaluate(() =>
              [...document.querySelectorAll("a, button, input:not([type=hidden])")]
                .filter((one) => !one.matches(".skip, p.lead a") && one.checkVisibility())
                .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
                .filter(([, box]) => box.width < 24 || box.height < 24)
                .map(([html]) => html));
            assert.deepEqual(small, [], `${name}: targets of 24 pixels at least`);
            await page.evaluate(axe);
            const { violations } = await page.evaluate(() => globalThis.axe.run());
            const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`)}`);
            assert.deepEqual(told, [], `${name} ${size} ${colorScheme}`);
          };
          await page.goto(`${origin}/login`);
          await look("login");
          await page.getByLabel("E-mail address").fill(ADA.email);
          await page.getByLabel("Password", { exact: true }).fill("wrong");
          await page.keyboard.press("Enter");
          await page.getByRole("alert").waitFor();
          await look("login-wrong");
          await page.goto(`${origin}/signup`);
          await look("signup");
          await page.goto(`${origin}/tools/jwt`);
          await look("jwt-empty");
          await page.getByLabel("Token").fill(token);
          await look("jwt");
          await page.getByRole("button", { name: "Verify" }).click();
          await page.getByText("SIGNATURE VERIFIED").waitFor();
          await look("jwt-verified");
          const bad = ["eyJhbGciOiJub25lIn0", Buffer.from('{"sub":"x","password":"y"}').toString("base64url"), ""];
          await page.getByLabel("Token").fill(bad.join("."));
          await look("jwt-bad");
          await page.goto(`${origin}/tools`);
          await look("tools");
          await page.goto(`${origin}/tools/secrets`);
          await look("secrets-empty");
          for (const what of ["secret", "password"]) await page.getByRole("button", { name: `Draw a ${what}` }).click();
          await page.getByLabel("Secret", { exact: true }).fill(held[0]);
          await page.getByText("SHA-256", { exact: true }).waitFor();
          await look("secrets");
          await page.goto(`${origin}/tools/advise`);
          await look("advise");
          await page.goto(`${origin}/tools/advise?services=yes&revocation=yes&compliance=yes&mobile=yes&monolith=no&server_rendered=yes`);
          await page.getByRole("heading", { name: "Use the hybrid" }).waitFor();
          await look("advise-hybrid");
          await page.goto(`${origin}/tools/advise?monolith=yes&small_team=yes&edge=no`);
          await look("advise-sessions");
          await page.goto(`${origin}/tools/advise?monolith=perhaps`);
          await look("advise-wrong");
          await signIn(page);
          await look("account");
          await page.goto(`${origin}/account/security`);
          await look("security");
          await page.goto(`${origin}/account/devices`);
          await look("devices");
          await page.goto(`${origin}/logout`);
          await look("logout");
          await page.getByRole("main").getByRole("button", { name: "Sign out" }).click();
          await page.getByText("You are signed out.").waitFor();
          await look("signed-out");
        });
      }
    }
  },
};

await play(scenarios, browser, (scenario, number) => scenario(`reader-${number}`));
