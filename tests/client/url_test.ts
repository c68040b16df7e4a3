import { assertEquals, assertThrows } from "@std/assert";
import { type HubAddress, hubUrl, shownUrl } from "../../client.ts";

Deno.test("`hubUrl()` accepts addresses as users write them", () => {
  const cases: readonly (readonly [HubAddress, string])[] = [
    [{}, "ws://localhost:8765/"],
    [{ url: "example.org" }, "ws://example.org:8765/"],
    [{ url: " example.org " }, "ws://example.org:8765/"],
    [{ url: "example.org:9000" }, "ws://example.org:9000/"],
    [{ url: "example.org:80" }, "ws://example.org/"],
    [{ url: "example.org/chat?room=a" }, "ws://example.org:8765/chat?room=a"],
    [{ url: "localhost:8765/ws" }, "ws://localhost:8765/ws"],
    [{ url: "ws://example.org" }, "ws://example.org/"],
    [{ url: "wss://example.org" }, "wss://example.org/"],
    [{ url: "wss://example.org/base/#top" }, "wss://example.org/base/"],
    [{ url: "http://example.org:9000/x" }, "ws://example.org:9000/x"],
    [{ url: "HTTPS://Example.org" }, "wss://example.org/"],
    [{ url: "::1" }, "ws://[::1]:8765/"],
    [{ url: "[::1]" }, "ws://[::1]:8765/"],
    [{ url: "[::1]:9000" }, "ws://[::1]:9000/"],
    [{ url: "ws://[::1]/" }, "ws://[::1]/"],
    [{ url: "127.0.0.1" }, "ws://127.0.0.1:8765/"],
    [{ host: "hub.example" }, "ws://hub.example:8765/"],
    [{ host: "hub.example", port: 9000 }, "ws://hub.example:9000/"],
    [{ host: "fe80::1", port: 9000 }, "ws://[fe80::1]:9000/"],
    [{ host: "hub.example", tls: true }, "wss://hub.example:8765/"],
    [{ host: "hub.example", port: 443, tls: true }, "wss://hub.example/"],
    [{ port: 9000 }, "ws://localhost:9000/"],
    [{ url: "ws://a.example", host: "b.example", port: 9000 }, "ws://a.example:9000/"],
    [{ url: "ws://a.example:80", port: 9000 }, "ws://a.example/"],
    [{ url: "https://a.example", tls: true }, "wss://a.example/"],
  ];
  for (const [address, expected] of cases) {
    assertEquals(hubUrl(address).href, expected, JSON.stringify(address));
  }
});

Deno.test("`hubUrl()` throws a TypeError with one line for an invalid address", () => {
  const nonsense = [
    "",
    "22001",
    ":22001",
    "0x7f000001",
    "   ",
    "ftp://example.org",
    "file:///etc/passwd",
    "ws://",
    "host:port",
    "host:99999",
    "host:0",
    "ws:host",
    "a b",
    "a\\b",
    "[::1",
    "\x1b[2J\n",
  ];
  for (const url of nonsense) {
    const { message } = assertThrows(() => hubUrl({ url }), TypeError, "Cannot connect to ");
    assertEquals(/\p{Cc}/u.test(message), false, message);
  }
  assertThrows(() => hubUrl({ port: 0 }), TypeError, "Cannot use port 0: use 1 to 65535");
  assertThrows(() => hubUrl({ port: 70_000 }), TypeError, "Cannot use port 70000");
  assertThrows(() => hubUrl({ port: 1.5 }), TypeError, "Cannot use port 1.5");
  assertThrows(() => hubUrl({ url: "ws://a.example", tls: true }), TypeError, "Cannot use TLS");
});

Deno.test("`hubUrl()` and `shownUrl()` reveal no secrets", () => {
  const { message } = assertThrows(() => hubUrl({ url: "ftp://x?token=secret" }), TypeError);
  assertEquals(message.includes("secret"), false);
  assertEquals(shownUrl(new URL("ws://me:secret@h:1/p?token=secret")), "ws://h:1/p");
  assertEquals(shownUrl(new URL("wss://h/")), "wss://h");
});
