// What a peer and the program that measures it say to each other: a line of JSON at a time, until the input ends.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

// Nobody is left behind.
export function untilTheEnd() {
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}

// Answers question by question.
export async function answer(question) {
  for await (const line of createInterface({ input: process.stdin })) {
    say(question(JSON.parse(line)));
  }
}

// What Doorward answers to "who am I": headers, and a body with a hole where the user's id goes.
export function reply(folder) {
  const { headers, body } = JSON.parse(readFileSync(join(folder, "reply.json"), "utf8"));
  const object = JSON.parse(body);
  const [before, after] = body.split(object.user.id);
  return {
    headers: Object.fromEntries(headers),
    body: (user) => before + user + after,
    object: (user) => ({ ...object, user: { ...object.user, id: user } }),
  };
}

// The id of somebody's number, as long as one of Doorward's.
export function userId(number) {
  return `usr_${String(number).padStart(26, "0")}`;
}

// What the load shows, a line for each session.
export function held(folder, lines) {
  writeFileSync(join(folder, "held.txt"), `${lines.join("\n")}\n`);
}

// Listens on loopback and says so.
export function listen(server, since) {
  const filling = (performance.now() - since) / 1000;
  server.listen(0, "127.0.0.1", () => {
    say({ port: server.address().port, filling });
    untilTheEnd();
  });
}
