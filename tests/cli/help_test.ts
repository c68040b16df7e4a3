import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { AnyCommand } from "../../cli/command.ts";
import { flagName } from "../../cli/command_line.ts";
import { commandHelp, programHelp } from "../../cli/help.ts";
import { COMMANDS, SECTIONS } from "../../commands/mod.ts";
import { main } from "../../main.ts";
import { memoryContext } from "../kit/memory_output.ts";

/** All commands, those within groups too. */
const ALL: readonly AnyCommand[] = COMMANDS.flatMap((command) => [
  command,
  ...Object.values(command.commands ?? {}),
]);

const MAX_WORDS = 10;

/** Clauses without a subject ("who gives none", "what it takes"), and pronouns for no one in particular. */
const UNCLEAR = new RegExp(
  [
    String.raw`\b(?:nobody|somebody|everybody|anybody|whoever|whomever|whatever|whom)\b`,
    String.raw`(?:^|[.,;:(]\s*|\b(?:for|to|of|by|from|lets?|that|and|or|than|as|with)\s)` +
    String.raw`(?:who|what)\s(?:is|are|was|has|had|have|does|do|did|gives?|says?|said|comes?|` +
    String.raw`goes|takes?|knows?|wants?|may|can|could|must|speaks?|reads?|writes?|sends?|asks?|` +
    String
      .raw`names?|brings?|leaves?|waits?|it|they|one|talks?|types?|needs?|gets?|holds?|joins?)\b`,
  ].join("|"),
  "i",
);

for (const command of ALL) {
  const { name, flags, summary, description, positional, words, examples } = command;
  Deno.test(`the help of bcast ${name} is complete, short and clear`, () => {
    for (const [key, { help }] of Object.entries(flags)) {
      const count = help.split(/\s+/).filter((word) => word !== "").length;
      assert(count > 0, `${flagName(key)} has no help`);
      assert(count <= MAX_WORDS, `${flagName(key)} has ${count} words: ${help}`);
      assertMatch(help, /^[^a-z].*[^.;,:]$/, `${flagName(key)}: ${help}`);
    }
    for (const argument of [positional, words]) {
      if (argument !== undefined) assertMatch(argument.help, /^[A-Z]/);
    }
    assertMatch(summary, /^[A-Z].*[^.]$/);
    assertMatch(description, /^[A-Z].*\.$/s);
    assert(examples.length > 0);
    for (const [line, purpose] of examples) assertMatch(purpose, /^[A-Z].*[^.]$/, line);
    const text = commandHelp(command).replaceAll(/\s+/g, " ");
    assertEquals(UNCLEAR.exec(text)?.[0], undefined, text);
  });
}

Deno.test("the help of the program holds no unclear clause", () => {
  assertEquals(UNCLEAR.exec(programHelp(SECTIONS).replaceAll(/\s+/g, " "))?.[0], undefined);
});

for (const command of ALL.filter(({ name }) => !name.includes(" "))) {
  const { name, flags } = command;
  Deno.test(`bcast ${name} --help fits 80 columns and names every flag`, async () => {
    const context = memoryContext();
    assertEquals(await main([name, "--help"], context), 0);
    const help = context.stdout.text;
    for (const line of help.split("\n")) assert(line.length <= 80, line);
    for (const key of Object.keys(flags)) assertStringIncludes(help, flagName(key) + " ");
    assertStringIncludes(help, "Examples:");
    const viaHelp = memoryContext();
    assertEquals(await main(["help", name], viaHelp), 0);
    assertEquals(viaHelp.stdout.text, help);
  });
}

Deno.test("bcast, bcast --help and bcast help list all commands", async () => {
  const texts = await Promise.all([[], ["--help"], ["-h"], ["help"]].map(async (args) => {
    const context = memoryContext();
    assertEquals(await main(args, context), 0);
    assertEquals(context.stderr.text, "");
    return context.stdout.text;
  }));
  assertEquals(new Set(texts).size, 1);
  const [text = ""] = texts;
  for (const { name, hidden } of COMMANDS) {
    assertEquals(new RegExp(`^  ${name} `, "m").test(text), hidden !== true, name);
  }
  for (const line of text.split("\n")) assert(line.length <= 80, line);
});

Deno.test("the usage shows required arguments without brackets", () => {
  const usage = (name: string): string | undefined => {
    const command = ALL.find((each) => each.name === name);
    return command && /^Usage: bcast (.*)$/m.exec(commandHelp(command))?.[1];
  };
  const required = ["kick NAME", "release-name NAME", "close-room ROOM", "open-room ROOM"];
  for (const line of [...required, "backup FILE", "announce TEXT..."]) {
    assertEquals(usage(line.split(" ")[0] ?? ""), `${line} [flags]`);
  }
  // An address may replace the name.
  for (const name of ["ban", "unban", "mute", "unmute"]) {
    assertEquals(usage(name), `${name} [NAME] [flags]`);
  }
  assertEquals(usage("completions"), "completions bash|zsh|fish|powershell [flags]");
  assertEquals(usage("send"), "send [TEXT...] [flags]");
  assertEquals(usage("exec"), "exec [flags] -- COMMAND [ARG...]");
  assertEquals(usage("config print"), "config print [COMMAND] [flags] [-- FLAG...]");
});

Deno.test("bcast help shows the help of a command in a group", async () => {
  const [viaHelp, viaFlag, extra] = [memoryContext(), memoryContext(), memoryContext()];
  assertEquals(await main(["help", "token", "mint"], viaHelp), 0);
  assertEquals(await main(["token", "mint", "--help"], viaFlag), 0);
  assertEquals(viaHelp.stdout.text, viaFlag.stdout.text);
  assertEquals(await main(["help", "send", "mint"], extra), 2);
  assertEquals(extra.stderr.text, 'Unexpected argument "mint". See bcast help --help\n');
});
