import { assertEquals, assertThrows } from "@std/assert";
import { hubAddress } from "../../commands/client/address.ts";
import type { Source } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { tokenOption } from "../../commands/client/token.ts";
import { type GivenSetting, unusedSettings } from "../../commands/config_print.ts";

const SOURCES = [undefined, "flag", "env", "profile", "config"] as const;

/** The address that results from these settings. */
function addressOf(said: ReadonlyMap<string, GivenSetting>): string {
  return hubAddress({
    flags: {
      url: said.get("url")?.text,
      host: said.get("host")?.text ?? "localhost",
      port: Number(said.get("port")?.text ?? 8765),
      ca: undefined,
      fingerprint: undefined,
    },
    positional: undefined,
    source: (name) => said.get(name)?.source ?? "default",
  }).href;
}

function* cases(): Generator<ReadonlyMap<string, GivenSetting>> {
  for (const url of ["ws://a.example", "ws://a.example:1000", "a.example"]) {
    for (const host of ["b.example", "b.example:2000", "wss://b.example"]) {
      for (const urlFrom of SOURCES) {
        for (const hostFrom of SOURCES) {
          for (const portFrom of SOURCES) {
            const entries: [string, Source | undefined, string][] = [
              ["url", urlFrom, url],
              ["host", hostFrom, host],
              ["port", portFrom, "3000"],
            ];
            yield new Map(
              entries.flatMap(([name, source, text]) =>
                source === undefined ? [] : [[name, { source, text }]]
              ),
            );
          }
        }
      }
    }
  }
}

Deno.test("unusedSettings() names exactly the settings that do not affect the address", () => {
  let count = 0;
  for (const said of cases()) {
    let address: string;
    try {
      address = addressOf(said);
    } catch (error) {
      // Two flags for the same part.
      if (!(error instanceof UsageError)) throw error;
      continue;
    }
    const unused = unusedSettings(said, true);
    const context = JSON.stringify([...said]);
    for (const name of said.keys()) {
      const without = new Map([...said].filter(([other]) => other !== name));
      // Without the stronger setting, the weaker one counts.
      const alone = new Map([...without].filter(([other]) => !unused.has(other)));
      if (unused.has(name)) assertEquals(addressOf(without), address, context);
      else if (addressOf(alone) === address) throw new Error(`${name} is of no use: ${context}`);
      count++;
    }
  }
  assertEquals(count > 500, true);
});

Deno.test("a flag never loses to the environment, a profile or the file", () => {
  for (const said of cases()) {
    for (const [name, { source, text }] of said) {
      if (source !== "flag") continue;
      const others = [...said.values()].filter((other) => other.source === "flag");
      if (others.length > 1) continue;
      const { hostname, port } = new URL(addressOf(said));
      if (name === "port") assertEquals(port, text);
      else assertEquals(hostname, text.includes("a.") ? "a.example" : "b.example");
    }
  }
});

Deno.test("hubAddress() rejects two flags with different ports", () => {
  const said = new Map<string, GivenSetting>([
    ["url", { source: "flag", text: "ws://a.example:1000" }],
    ["port", { source: "flag", text: "3000" }],
  ]);
  assertThrows(
    () => addressOf(said),
    UsageError,
    'Cannot use --port 3000 together with "ws://a.example:1000": leave one out',
  );
});

Deno.test("hubAddress() keeps the token of the address only where no flag is stronger", () => {
  for (const from of ["flag", "env", "config"] as const) {
    const address = hubAddress({
      flags: {
        url: "ws://a.example/?token=old&room=x",
        host: "localhost",
        port: 8765,
        ca: undefined,
        fingerprint: undefined,
      },
      positional: undefined,
      source: (name) => name === "url" ? "env" : name === "tokenFile" ? from : "default",
    });
    assertEquals(address.search, from === "config" ? "?token=old&room=x" : "?room=x");
  }
});

Deno.test("a profile's token is sent only to the hub of the profile", async () => {
  const tokenFor = async (
    from: Partial<Record<"token" | "tokenFile" | "url" | "host", Source>>,
    positional?: string,
  ): Promise<unknown> =>
    (await tokenOption({
      flags: { token: "secret-of-the-profile", tokenFile: undefined },
      positional,
      source: (name) => from[name] ?? "default",
    }, new URL("ws://a.example/"))).token;
  const kept = "secret-of-the-profile";
  assertEquals(await tokenFor({ token: "profile", url: "profile" }), kept);
  assertEquals(await tokenFor({ token: "profile", host: "profile" }), kept);
  assertEquals(await tokenFor({ token: "profile" }), kept);
  assertEquals(await tokenFor({ token: "env" }, "other.example"), kept);
  assertEquals(await tokenFor({ token: "profile" }, "other.example"), undefined);
  for (const from of ["flag", "env"] as const) {
    assertEquals(await tokenFor({ token: "profile", url: from }), undefined);
    assertEquals(await tokenFor({ token: "profile", host: from, url: "profile" }), undefined);
  }
});
