// What all scenarios stand on: a real Chromium, and a run that ends with the first that fails. The modules are those of the
// folder that this is started in.

import { createRequire } from "node:module";
import path from "node:path";

export const require = createRequire(path.join(process.cwd(), "package.json"));

// Starts Chromium, quiet and without a network of its own.
export const launch = (program, ...more) =>
  require("playwright-core").chromium.launch({
    executablePath: program,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", ...more],
  });

// Plays one scenario after the other, each with its number; one line each on stdout. Ends the process: with 1 if one failed,
// after which no other is played.
export async function play(scenarios, browser, scene = (scenario, number) => scenario(number)) {
  let failed = 0;
  let number = 0;
  for (const [name, scenario] of Object.entries(scenarios)) {
    number += 1;
    try {
      await scene(scenario, number);
      console.log(`ok: ${name}`);
    } catch (error) {
      console.log(`FAILED: ${name}: ${error.stack}`);
      failed = 1;
      break;
    }
  }
  await browser.close();
  process.exit(failed);
}
