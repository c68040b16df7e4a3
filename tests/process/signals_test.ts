import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../client.ts";
import { Program, startHubProcess } from "../kit/process.ts";
import { until } from "../kit/wait.ts";

const linux = Deno.build.os === "linux";

/** Signals that end a program by default. */
const STRAY: readonly Deno.Signal[] = [
  ...["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGIO", "SIGXFSZ"] as const,
  ...linux ? ["SIGSTKFLT"] as const : [],
];

/** Signals that stop the hub, like SIGINT and SIGTERM. */
const ENDS: readonly Deno.Signal[] = ["SIGQUIT", "SIGXCPU", ...linux ? ["SIGPWR"] as const : []];

const ignore = Deno.build.os === "windows";

for (const end of ENDS) {
  Deno.test({
    name: `bcast start logs and ignores stray signals, and shuts down on ${end}`,
    ignore,
    async fn() {
      const { program: hub, url } = await startHubProcess(["--memory"]);
      await using _hub = hub;
      await using alice = connect({ url, sender: "Ålice-2" });
      await alice.send({ message: "before" });
      for (const signal of STRAY) {
        hub.kill(signal);
        await until(`${signal} in the log`, () => hub.errors.includes(`${signal} is ignored`));
      }
      // SIGPIPE is not logged: the runtime ignores it.
      hub.kill("SIGPIPE");
      await alice.send({ message: "after" });
      await alice.close();
      hub.kill(end);
      assertEquals(await hub.exit(), 0, hub.errors);
      assertStringIncludes(hub.errors, "Stopped after 1 connections");
    },
  });
}

Deno.test({
  name: "bcast listen and bcast exec ignore stray signals",
  ignore,
  async fn() {
    const { program: hub, url } = await startHubProcess(["--memory", "--quiet"]);
    await using _hub = hub;
    await using alice = connect({ url, sender: "Alice" });
    await alice.send({ message: "one" });
    for (
      const args of [
        ["listen", url, "--after", "0", "--format", "{message}"],
        ["exec", "--url", url, "--after", "0", "--", "cat"],
      ]
    ) {
      await using program = new Program(args);
      await program.line(/^one/);
      for (const signal of STRAY) program.kill(signal);
      await alice.send({ message: `two for ${args[0]}` });
      await program.line(new RegExp(`^two for ${args[0]}`));
      program.kill("SIGQUIT");
      assertEquals(await program.exit(), 130, program.errors);
    }
    await alice.close();
  },
});

Deno.test({
  name: "without a terminal, listen, exec and send ignore SIGHUP",
  ignore,
  async fn() {
    const { program: hub, url } = await startHubProcess(["--memory", "--quiet"]);
    await using _hub = hub;
    await using alice = connect({ url, sender: "Ålice-2" });
    await alice.send({ message: "eins" });
    for (
      const args of [
        ["listen", url, "--after", "0", "--format", "{message}"],
        ["exec", "--url", url, "--after", "0", "--", "cat"],
      ]
    ) {
      await using program = new Program(args);
      await program.line(/^eins/);
      program.kill("SIGHUP");
      await alice.send({ message: `世界 for ${args[0]}` });
      await program.line(new RegExp(`^世界 for ${args[0]}`));
      program.kill("SIGTERM");
      assertEquals(await program.exit(), 130, program.errors);
    }
    await using listener = new Program(["listen", url, "--room", "in", "--after", "0"]);
    await using sender = new Program(["send", "--url", url, "--room", "in"]);
    await sender.type("before\n");
    await listener.line(/before$/);
    sender.kill("SIGHUP");
    await sender.type("after\n", { end: true });
    assertEquals([await sender.exit(), sender.errors], [0, ""]);
    await listener.line(/after$/);
    await alice.close();
  },
});

Deno.test("bcast start --host rejects sockets, ports and URLs with one line", async () => {
  for (
    const host of ["unix:/run/bcast.sock", "/run/bcast.sock", "localhost:8765", "http://localhost"]
  ) {
    await using program = new Program(["start", "--memory", "--port", "0", "--host", host]);
    assertEquals(await program.exit(), 2);
    assertEquals(program.errors.trimEnd().split("\n").length, 1, program.errors);
    assert(program.errors.includes("without a port (a Unix socket is neither)"), program.errors);
  }
  for (const host of ["::1", "[::1]", "LOCALHOST", "127.0.0.2"]) {
    await using program = new Program(["start", "--memory", "--port", "0", "--host", host]);
    await program.line(/^Listening on ws:/);
    program.kill("SIGTERM");
    assertEquals(await program.exit(), 0);
  }
});
