import { assert, assertEquals } from "@std/assert";
import { startHubProcess } from "../kit/process.ts";
import { TestSocket } from "../kit/test_socket.ts";
import { until } from "../kit/wait.ts";

/** A collector of OpenTelemetry (OTLP over HTTP, as JSON) that keeps what it gets. */
class Collector implements AsyncDisposable {
  readonly spans: Record<string, string>[] = [];
  readonly logs: { severity: string; record: Record<string, unknown> }[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.json();
      if (request.url.endsWith("/v1/traces")) this.#takeSpans(body);
      if (request.url.endsWith("/v1/logs")) this.#takeLogs(body);
      return Response.json({});
    },
  );

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }

  #takeSpans(body: Otlp): void {
    const spans = body.resourceSpans?.flatMap(({ scopeSpans }) => scopeSpans) ?? [];
    for (const { attributes } of spans.flatMap((scope) => scope.spans)) {
      const pairs = attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]);
      this.spans.push(Object.fromEntries(pairs));
    }
  }

  #takeLogs(body: Otlp): void {
    const logs = body.resourceLogs?.flatMap(({ scopeLogs }) => scopeLogs) ?? [];
    for (const { severityText, body: { stringValue } } of logs.flatMap((log) => log.logRecords)) {
      this.logs.push({ severity: severityText, record: JSON.parse(stringValue) });
    }
  }
}

/** The parts of OTLP that are looked at. */
interface Otlp {
  readonly resourceSpans?: {
    scopeSpans: { spans: { attributes: { key: string; value: object }[] }[] }[];
  }[];
  readonly resourceLogs?: {
    scopeLogs: { logRecords: { severityText: string; body: { stringValue: string } }[] }[];
  }[];
}

Deno.test({
  name: "with OpenTelemetry on, requests are traced, the log is exported, and the hub works",
  // A compiled program has telemetry off, whatever its environment says.
  ignore: Deno.env.has("BCAST_TEST_COMMAND"),
  fn: async () => {
    await using collector = new Collector();
    const { program, url } = await startHubProcess(["--memory"], {
      env: {
        OTEL_DENO: "true",
        OTEL_DENO_CONSOLE: "replace",
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        OTEL_BSP_SCHEDULE_DELAY: "100",
        OTEL_BLRP_SCHEDULE_DELAY: "100",
      },
    });
    await using hub = program;
    {
      await using alice = await TestSocket.plain(url, "Alice");
      alice.send("{");
      alice.send({ type: "message", message: "between us" });
      await alice.next("message");
      await (await fetch(url.replace("ws:", "http:"))).body?.cancel();
    }
    hub.kill("SIGTERM");
    assertEquals(await hub.exit(), 0);
    const statuses = await until("both spans", () => {
      const found = collector.spans.map((span) => span["http.response.status_code"]);
      return found.length >= 2 && found;
    });
    assertEquals(statuses.toSorted(), ["101", "200"]);
    const messages = await until("the log", () => {
      const found = collector.logs.map(({ record }) => String(record["message"]));
      return found.some((message) => message.startsWith("Stopped")) && found;
    });
    assert(messages.some((message) => /^c1 connected/.test(message)), messages.join("\n"));
    assert(collector.logs.every(({ severity }) => severity === "INFO"));
    const refused = collector.logs.find(({ record }) =>
      /rejected: bad_json/.test(`${record["message"]}`)
    );
    assertEquals((refused?.record["properties"] as { connection: string }).connection, "c1");
    assert(!JSON.stringify(collector.logs).includes("between us"), "what people say is not logged");
    // The log is shown as ever, and once.
    assertEquals(hub.errors.split("c1 connected").length, 2, hub.errors);
    assertEquals(hub.lines.filter((line) => line.startsWith("{")), []);
  },
});
