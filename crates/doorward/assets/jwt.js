// The token decoder. Decoding happens here and sends nothing. Verifying, on request, fetches this server's public keys:
// a request that says nothing about the token.

const MEANINGS = {
  iss: "Issuer: who made the token",
  sub: "Subject: whom it is about",
  aud: "Audience: whom it is for",
  exp: "Expires: not good from then on",
  nbf: "Not before: not good until then",
  iat: "Issued at",
  jti: "Token id: names this one token",
  client_id: "The application it was made for",
  sid: "The session it came from",
  scope: "What it allows",
  auth_time: "When the person last proved who they are",
  amr: "How they proved it",
  acr: "Assurance class of that proof",
  rv: "Position in the revocation feed when it was made",
  rh: "Handles under which the revocation feed speaks of it",
  alg: "Algorithm of the signature, as the token itself says",
  kid: "Names the key",
  typ: "Kind of token",
  cty: "Kind of content",
  jku: "Address of keys: never follow it",
  jwk: "A key inside the token: never trust it",
  x5u: "Address of a certificate: never follow it",
  crit: "Extensions that must be understood",
};
const TIMES = ["exp", "nbf", "iat", "auth_time"];
const LONGEST_LIFE = 60 * 60;
const SENSITIVE =
  /pass(word|wd|phrase)?$|secret|private.?key|api.?key|credit|card.?(number|no)|\bpan\b|cvv|cvc|iban|ssn|social.?security|tax.?id|passport|birth|dob$|phone|address$|salary|diagnos|medical|refresh.?token|access.?token|session.?token/i;
const PARAMS = {
  ES256: { load: { name: "ECDSA", namedCurve: "P-256" }, check: { name: "ECDSA", hash: "SHA-256" } },
  EdDSA: { load: { name: "Ed25519" }, check: { name: "Ed25519" } },
};

const find = (id) => document.getElementById(id);
const tool = find("tool");
const field = find("token");
let current = null;

function bytes(part) {
  if (!/^[A-Za-z0-9_-]*$/.test(part)) throw new Error("holds characters that base64url does not have");
  const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function object(part, name) {
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes(part)));
  } catch (error) {
    throw new Error(`The ${name} cannot be read: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`The ${name} is no JSON object.`);
  }
  return value;
}

function decode(text) {
  const parts = text.split(".");
  if (parts.length === 5) throw new Error("This token is encrypted (JWE, five parts). Nobody can look into it without the key.");
  if (parts.length !== 3) throw new Error(`A signed token has three parts with dots between them; this has ${parts.length}.`);
  return { parts, header: object(parts[0], "header"), claims: object(parts[1], "payload") };
}

function span(seconds) {
  const size = Math.abs(seconds);
  const [count, unit] =
    size < 120 ? [size, "seconds"] : size < 7200 ? [size / 60, "minutes"] : size < 172800 ? [size / 3600, "hours"] : [size / 86400, "days"];
  return `${Math.floor(count)} ${unit}`;
}

function moment(value) {
  const date = new Date(value * 1000);
  if (typeof value !== "number" || Number.isNaN(date.getTime())) return "not a number of seconds";
  const distance = Math.round(value - Date.now() / 1000);
  const iso = date.toISOString().replace(".000Z", "Z");
  return `${iso} (${distance < 0 ? `${span(distance)} ago` : `in ${span(distance)}`})`;
}

// What is wrong or dangerous, gravest first: [grave?, text].
function findings({ header, claims }) {
  const now = Date.now() / 1000;
  const found = [];
  const algorithm = header.alg;
  if (typeof algorithm !== "string") found.push([true, "The header names no algorithm. No verifier may accept it."]);
  else if (/^none$/i.test(algorithm)) found.push([true, "alg is “none”: anybody can write such a token. No verifier may accept it."]);
  else if (/^HS/i.test(algorithm))
    found.push([true, `alg is ${algorithm}: whoever can verify it can also make it, for one secret does both. A verifier that expects a public key must refuse it.`]);
  if (claims.exp === undefined) found.push([true, "There is no exp: the token never ends by itself."]);
  else if (typeof claims.exp !== "number") found.push([true, "exp is not a number of seconds."]);
  else {
    if (claims.exp <= now) found.push([true, `It expired ${span(now - claims.exp)} ago.`]);
    const from = [claims.iat, claims.nbf].find((time) => typeof time === "number");
    if (from === undefined && claims.exp - now > LONGEST_LIFE) {
      found.push([false, `It is good for another ${span(claims.exp - now)}. Keep access tokens under 60 minutes, and refresh them.`]);
    } else if (claims.exp - from > LONGEST_LIFE) {
      found.push([false, `It lives for ${span(claims.exp - from)}. Keep access tokens under 60 minutes, and refresh them.`]);
    }
  }
  if (typeof claims.nbf === "number" && claims.nbf > now) found.push([true, `It is not good yet: nbf is in ${span(claims.nbf - now)}.`]);
  const names = [];
  const walk = (value, path) => {
    for (const [name, inner] of Object.entries(value)) {
      const place = path ? `${path}.${name}` : name;
      if (SENSITIVE.test(name)) names.push(place);
      if (inner !== null && typeof inner === "object") walk(inner, place);
    }
  };
  walk(claims, "");
  if (names.length > 0) {
    found.push([true, `${names.join(", ")}: this looks sensitive. A token is signed, not encrypted; whoever holds it reads it.`]);
  }
  for (const name of ["jku", "jwk", "x5u", "x5c"]) {
    if (header[name] !== undefined) found.push([false, `The header brings its own key (${name}). A verifier must not use it.`]);
  }
  for (const [name, use] of [["iss", "who made it"], ["aud", "whom it is for"]]) {
    if (claims[name] === undefined) found.push([false, `There is no ${name}: a verifier cannot tell ${use}.`]);
  }
  return found.sort((one, other) => other[0] - one[0]);
}

function element(name, text, classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function json(value) {
  const line = JSON.stringify(value);
  return line.length <= 60 ? line : JSON.stringify(value, null, 2);
}

function finding([grave, words]) {
  const item = element("li", "", grave ? "grave" : "");
  item.append(element("strong", grave ? "Danger: " : "Note: "), words);
  return item;
}

function list(target, values) {
  target.replaceChildren();
  for (const [name, value] of Object.entries(values)) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    term.append(element("code", name));
    if (Object.hasOwn(MEANINGS, name)) term.append(element("span", MEANINGS[name], "soft"));
    const text = typeof value === "string" ? value : json(value);
    const description = document.createElement("dd");
    description.append(element("code", text));
    if (TIMES.includes(name)) description.append(element("span", moment(value), "soft"));
    row.append(term, description);
    target.append(row);
  }
  if (!target.hasChildNodes()) target.append(element("p", "Empty.", "soft"));
}

function verdict(kind, title, text) {
  const box = find("verdict");
  box.className = `verdict ${kind}`;
  box.replaceChildren(...(title ? [element("strong", title), element("p", text)] : []));
}

function draw() {
  const text = field.value.trim().replace(/^Bearer\s+/i, "").replaceAll(/\s+/g, "");
  current = null;
  find("decoded").hidden = true;
  if (text === "") return verdict("", "", "");
  try {
    current = decode(text);
  } catch (error) {
    return verdict("bad", "NOT A TOKEN", error.message);
  }
  list(find("claims"), current.claims);
  list(find("header"), current.header);
  const found = findings(current);
  find("findings").replaceChildren(...found.map(finding));
  find("findings-card").hidden = found.length === 0;
  find("decoded").hidden = false;
  verdict("unknown", "NOT VERIFIED", "It is decoded, and that is all: anybody can write what stands below. Trust none of it until the signature is verified.");
}

async function judge(token) {
  const { header, claims, parts } = token;
  const params = Object.hasOwn(PARAMS, header.alg) ? PARAMS[header.alg] : undefined;
  if (!params) return ["bad", "REFUSED", `This server signs with ES256 and EdDSA, never with ${String(header.alg)}.`];
  if (!globalThis.crypto?.subtle) return ["unknown", "NOT VERIFIED", "This browser verifies only on pages that come over HTTPS or from localhost."];
  const answer = await fetch("/.well-known/jwks.json", { credentials: "omit", cache: "no-cache" });
  if (!answer.ok) throw new Error(`the keys could not be had (${answer.status})`);
  const { keys } = await answer.json();
  const jwk = keys.find((key) => key.kid === header.kid);
  if (!jwk) return ["bad", "REFUSED", "No key of this server has this kid. The token is somebody else's, or its key is gone."];
  // The key says which algorithm it is for; what the token says must agree.
  if (jwk.alg !== header.alg) return ["bad", "REFUSED", `The key is for ${jwk.alg}, and the token says ${header.alg}.`];
  const { kty, crv, x, y } = jwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, params.load, false, ["verify"]);
  const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
  if (!(await crypto.subtle.verify(params.check, key, bytes(parts[2]), signed))) {
    return ["bad", "REFUSED", "The signature is not this key's over this text: the token was changed, or made by somebody else."];
  }
  if (claims.iss !== tool.dataset.issuer) return ["bad", "REFUSED", "The signature is right, and the issuer is not this server."];
  if (typeof claims.exp !== "number" || claims.exp <= Date.now() / 1000) {
    return ["bad", "EXPIRED", "The signature is this server's. The token ran out, and no verifier accepts it."];
  }
  if (typeof claims.nbf === "number" && claims.nbf > Date.now() / 1000) {
    return ["bad", "NOT YET GOOD", "The signature is this server's. The token is good only later (nbf)."];
  }
  return ["good", "SIGNATURE VERIFIED", "This server signed it, and it has not expired. Whether it was revoked since, and whether it is meant for you (aud), a verifier decides."];
}

find("verify").addEventListener("click", async () => {
  const token = current;
  let said;
  try {
    said = await judge(token);
  } catch (error) {
    said = ["unknown", "NOT VERIFIED", `It could not be verified: ${error.message}`];
  }
  // Somebody may have typed meanwhile: a verdict is for the token it was asked of.
  if (token === current) verdict(...said);
});
field.addEventListener("input", draw);
tool.hidden = false;
draw();
