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
const PARAMS = {
  ES256: { load: { name: "ECDSA", namedCurve: "P-256" }, check: { name: "ECDSA", hash: "SHA-256" } },
  EdDSA: { load: { name: "Ed25519" }, check: { name: "Ed25519" } },
};

const find = (id) => document.getElementById(id);
const tool = find("tool");
const field = find("token");
// What the twelve checks go by, and what each says: the server's own.
const rules = JSON.parse(tool.dataset.rules);
let current = null;

function bytes(part) {
  if (!/^[A-Za-z0-9_-]*$/.test(part)) throw new Error("holds characters that base64url does not have");
  const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// Whether a strict reader refuses it: a member that comes twice, a number beyond all numbers, half a character.
function isLoose(text) {
  const open = [];
  let last = "";
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]|-?\d[-+.\deE]*/gs)) {
    if (token === "{" || token === "[") open.push(new Set());
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      if (open.at(-1).has(last)) return true;
      open.at(-1).add(last);
    } else if (token.startsWith('"')) {
      last = JSON.parse(token);
      if (!last.isWellFormed()) return true;
    } else if (!Number.isFinite(Number(token))) return true;
  }
  return false;
}

function object(part, name) {
  let text, value;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes(part));
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`The ${name} cannot be read: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`The ${name} is no JSON object.`);
  }
  return [value, isLoose(text)];
}

function decode(text) {
  const parts = text.split(".");
  if (parts.length === 5) throw new Error("This token is encrypted (JWE, five parts). Nobody can look into it without the key.");
  if (parts.length !== 3) throw new Error(`A signed token has three parts with dots between them; this has ${parts.length}.`);
  const [[header, looseHeader], [claims, loosePayload]] = [object(parts[0], "header"), object(parts[1], "payload")];
  return { parts, header, claims, loose: [looseHeader, loosePayload], length: text.length };
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

const ascii = (text) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

// Does a word tell of people or of secrets?
const tells = (word) => hasLongNumber(word) || tellsBesideNumbers(word);

// Has it a number that may be somebody's? The digits of a UUID are nobody's.
function hasLongNumber(word) {
  const isUuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(word);
  return !isUuid && (word.match(/\d+/g) ?? []).some((digits) => digits.length >= rules.digits);
}

function tellsBesideNumbers(word) {
  const plain = ascii(word);
  return plain.includes("@") || (plain.includes("://") && plain.includes("?"))
    || rules.telling.some((telling) => plain.includes(telling))
    || rules.beginnings.some((beginning) => plain.startsWith(beginning));
}

function tellsInside(value, says) {
  if (typeof value === "string") return says(value);
  if (Array.isArray(value)) return value.some((item) => tellsInside(item, says));
  return value !== null && typeof value === "object" && telling(value).length > 0;
}

// The names of claims, or of what is inside them, that tell what is nobody's business.
function telling(claims) {
  const isTelling = ([name, value]) =>
    rules.personal.includes(name) || tells(name)
    || (!rules.opaque.includes(name) && tellsInside(value, rules.naming.includes(name) ? tellsBesideNumbers : tells));
  return Object.entries(claims).filter(isTelling).map(([name]) => name);
}

// The twelve checks, which `doorward jwt lint` makes too: of each that finds something, its id and where.
function checks({ header, claims, loose, length }) {
  const now = Math.floor(Date.now() / 1000);
  const found = new Map();
  const note = (isSo, id, place) => isSo && found.set(id, [...(found.get(id) ?? []), place]);
  const text = (value) => (typeof value === "string" ? value : "");
  const isKnown = rules.registered.includes(header.alg);
  note(!isKnown, "DW601", "header: alg");
  note(isKnown && header.alg.startsWith("HS"), "DW602", "header: alg");
  for (const name of rules.commands) note(Object.hasOwn(header, name), "DW603", `header: ${name}`);
  note(["", "jwt"].includes(ascii(text(header.typ))), "DW604", "header: typ");
  for (const [at, place] of ["header", "payload"].entries()) note(loose[at], "DW605", place);
  const seconds = (name) => {
    const value = claims[name];
    return Number.isSafeInteger(value) && value >= 0 && value <= 253402300799 ? value : undefined;
  };
  const [end, birth, begin] = ["exp", "iat", "nbf"].map(seconds);
  note(!Object.hasOwn(claims, "exp"), "DW606", "payload: exp");
  note(end - (birth ?? now) > rules.longest, "DW607", "payload: exp");
  const isMissing = (name) => [undefined, null, ""].includes(claims[name]);
  for (const name of ["iss", "aud"]) note(isMissing(name), "DW608", `payload: ${name}`);
  for (const name of ["sub", "jti", "iat"]) note(isMissing(name), "DW609", `payload: ${name}`);
  const isOdd = { exp: end === undefined || end <= birth || end <= begin, iat: !(birth <= now + rules.leeway), nbf: !(begin <= now + rules.leeway) };
  for (const name of ["exp", "iat", "nbf"]) note(Object.hasOwn(claims, name) && isOdd[name], "DW610", `payload: ${name}`);
  for (const name of telling(claims)) note(true, "DW611", `payload: ${name}`);
  note(length > rules.large, "DW612", `${length} bytes`);
  return found;
}

// What is to be known of it, gravest first: [grade, name, what is so, where, what to do].
function findings(token) {
  const now = Date.now() / 1000;
  const { exp, nbf } = token.claims;
  const found = Array.from(checks(token), ([id, places]) => {
    const [grade, sentence, advice] = rules.table[id];
    return [grade, id, sentence, places, advice];
  });
  if (typeof exp === "number" && exp <= now) found.push(["error", "Now", `It expired ${span(now - exp)} ago.`, ["payload: exp"], ""]);
  if (typeof nbf === "number" && nbf > now) found.push(["error", "Now", `It is not good yet: nbf is in ${span(nbf - now)}.`, ["payload: nbf"], ""]);
  const order = ["error", "warn", "hint"];
  return found.sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
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

function finding([grade, name, sentence, places, advice]) {
  const item = element("li", "", grade);
  item.append(element("strong", name), ` ${sentence}`, ...places.flatMap((place) => [" ", element("code", place)]));
  // What stands between backticks is code.
  const words = advice.split("`").map((part, at) => (at % 2 ? element("code", part) : part));
  const what = element("span", "", "soft");
  what.append(...words);
  if (advice) item.append(what);
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
  find("clean").hidden = found.length > 0;
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
