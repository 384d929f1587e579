// Secrets, passwords and hashes, made here and sent nowhere. `doorward generate` makes the same in a terminal.

const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
// Sixteen consonants and four vowels: a word of five letters has sixteen bits, whatever language it is spoken in.
const CONSONANTS = "bdfghjklmnprstvz";
const VOWELS = "aiou";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET = /^dw[scv]_([A-Za-z0-9_-]{43})([A-Za-z0-9]{6})$/;
const LIMITS = { characters: [12, 256, 20], words: [4, 40, 6] };

const find = (id) => document.getElementById(id);
const draw = (bytes) => crypto.getRandomValues(new Uint8Array(bytes));
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function base64url(bytes) {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Groups of five: five bits of each byte.
function typed(characters) {
  const letters = Array.from(draw(characters), (byte) => ALPHABET[byte & 31]).join("");
  return letters.match(/.{1,5}/g).join("-");
}

function spoken(words) {
  const bits = crypto.getRandomValues(new Uint16Array(words));
  const word = (pair) => {
    const consonant = (at) => CONSONANTS[(pair >> at) & 15];
    const vowel = (at) => VOWELS[(pair >> at) & 3];
    return consonant(12) + vowel(10) + consonant(6) + vowel(4) + consonant(0);
  };
  return Array.from(bits, word).join("-");
}

function tell(id, text, bits) {
  find(id).value = text;
  find(`${id}-bits`).textContent = `${bits} bits were drawn. It is gone when you leave this page.`;
  find(`${id}-field`).hidden = false;
}

// What stands at the end of a secret: a CRC-32 over all before it, in six characters.
function checksum(text) {
  let rest = 0xffffffff;
  for (const character of text) {
    rest ^= character.charCodeAt(0);
    for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  }
  rest = (rest ^ 0xffffffff) >>> 0;
  let sum = "";
  for (let place = 0; place < 6; place += 1) {
    sum = BASE62[rest % 62] + sum;
    rest = Math.floor(rest / 62);
  }
  return sum;
}

async function hash(text) {
  if (!globalThis.crypto?.subtle) return ["unknown", "NOT HASHED", "This browser hashes only on pages that come over HTTPS or from localhost."];
  const [, body, sum] = SECRET.exec(text) ?? [];
  if (sum === undefined) {
    return ["bad", "NO SECRET OF DOORWARD", "It is dws_, dwc_ or dwv_, 43 characters of base64url, and 6 of a checksum."];
  }
  const bytes = Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  if (checksum(text.slice(0, -6)) !== sum || base64url(bytes) !== body) {
    return ["bad", "A CHARACTER IS WRONG", "The checksum at its end does not agree with the rest."];
  }
  return ["good", "SHA-256", hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)))];
}

function verdict(kind, title, text) {
  const [strong, words] = ["strong", kind === "good" ? "code" : "span"].map((name) => document.createElement(name));
  const line = document.createElement("p");
  [strong.textContent, words.textContent] = [title, text];
  line.append(words);
  find("verdict").className = `verdict ${kind}`;
  find("verdict").replaceChildren(...(title ? [strong, line] : []));
}

find("draw-secret").addEventListener("submit", (event) => {
  event.preventDefault();
  const bytes = find("bytes").valueAsNumber;
  const drawn = draw(bytes);
  tell("secret", find("writing").value === "hex" ? hex(drawn) : base64url(drawn), bytes * 8);
});

find("kind").addEventListener("change", () => {
  const [least, most, usual] = LIMITS[find("kind").value];
  Object.assign(find("count"), { min: least, max: most, value: usual });
});

find("draw-password").addEventListener("submit", (event) => {
  event.preventDefault();
  const count = find("count").valueAsNumber;
  if (find("kind").value === "words") tell("password", spoken(count), count * 16);
  else tell("password", typed(count), count * 5);
});

find("text").addEventListener("input", async () => {
  const text = find("text").value.trim();
  const told = text === "" ? ["", "", ""] : await hash(text);
  // Somebody may have typed meanwhile.
  if (text === find("text").value.trim()) verdict(...told);
});

// Who comes back by the history finds no secret, and the limits of what is chosen.
find("kind").dispatchEvent(new Event("change"));
find("text").value = "";
find("tool").hidden = false;
