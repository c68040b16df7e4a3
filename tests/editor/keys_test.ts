import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { KeyDecoder, MAX_PASTE, type TerminalInput } from "../../editor/keys.ts";

const encoder = new TextEncoder();

/** Keys, with adjacent texts joined. */
function joined(keys: readonly TerminalInput[]): readonly TerminalInput[] {
  const all: TerminalInput[] = [];
  for (const key of keys) {
    const last = all.at(-1);
    if (key.kind === "text" && last?.kind === "text") {
      all[all.length - 1] = { kind: "text", text: last.text + key.text };
    } else all.push(key);
  }
  return all;
}

function decode(...pieces: readonly Uint8Array[]): readonly TerminalInput[] {
  const decoder = new KeyDecoder();
  const keys = pieces.flatMap((piece) => decoder.push(piece));
  return joined([...keys, ...decoder.timeout()]);
}

const text = (text: string): TerminalInput => ({ kind: "text", text });
const press = (key: string): TerminalInput => ({ kind: "press", key });
const background = (color: string): TerminalInput => ({ kind: "background", color });
const paste = (text: string): TerminalInput => ({ kind: "paste", text });

const TABLE: readonly (readonly [sent: string, ...keys: readonly TerminalInput[]])[] = [
  // Text.
  ["a", text("a")],
  ["Grüße, 天地 👩‍🚀!", text("Grüße, 天地 👩‍🚀!")],
  ["\uFEFFx", text("\uFEFFx")],
  // Answers of the terminal.
  ["a\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\b", text("a"), background("rgb:1e1e/1e1e/1e1e"), text("b")],
  ["\x1b]11;#ffffff\x07", background("#ffffff")],
  ["\x1b[?1;2ca", { kind: "attributes" }, text("a")],
  [`\x1b]11;${"a".repeat(100)}\x07x`, text("x")],
  ["\x1b]10;rgb:0/0/0\x07x", text("x")],
  // Control characters.
  ["\r", press("enter")],
  ["\n", press("C-j")],
  ["\t", press("tab")],
  ["\x7f", press("backspace")],
  ["\b", press("backspace")],
  ["\0", press("C-space")],
  ["\x01\x1a", press("C-a"), press("C-z")],
  ["\x1c\x1d\x1e\x1f", press("C-\\"), press("C-]"), press("C-^"), press("C-_")],
  ["a\rb", text("a"), press("enter"), text("b")],
  // Alt.
  ["\x1b", press("escape")],
  ["\x1b\x1b", press("escape")],
  ["\x1bb", press("M-b")],
  ["\x1b1", press("M-1")],
  ["\x1bé", press("M-é")],
  ["\x1b👍x", press("M-👍"), text("x")],
  ["\x1b\r", press("M-enter")],
  ["\x1b\x7f", press("M-backspace")],
  ["\x1b\x01", press("C-M-a")],
  ["\x1b[", press("M-[")],
  ["\x1bO", press("M-O")],
  ["\x1b]", press("M-]")],
  ["\x1bP", press("M-P")],
  // xterm and VT220.
  ["\x1b[A", press("up")],
  ["\x1bOB", press("down")],
  ["\x1b[1;5C", press("C-right")],
  ["\x1b[1;3D", press("M-left")],
  ["\x1b[1;2H", press("S-home")],
  ["\x1b[1;8F", press("C-M-S-end")],
  ["\x1b[1;9A", press("M-up")],
  ["\x1bO5D", press("C-left")],
  ["\x1b\x1b[A", press("M-up")],
  ["\x1b[Z", press("S-tab")],
  ["\x1b[1~", press("home")],
  ["\x1b[2~", press("insert")],
  ["\x1b[3~", press("delete")],
  ["\x1b[3;5~", press("C-delete")],
  ["\x1b[5~\x1b[6~", press("pageup"), press("pagedown")],
  ["\x1bOP\x1b[15~\x1b[24~", press("f1"), press("f5"), press("f12")],
  ["\x1bOM", press("enter")],
  ["\x1bOp\x1bOk", text("0+")],
  // xterm's modifyOtherKeys, and similar modes of other terminals.
  ["\x1b[13;2u", press("S-enter")],
  ["\x1b[27;5;13~", press("C-enter")],
  ["\x1b[97;5u", press("C-a")],
  ["\x1b[97;3u", press("M-a")],
  ["\x1b[228u", text("ä")],
  ["\x1b[57358u", ...[]],
  // rxvt.
  ["\x1b[7~\x1b[8~", press("home"), press("end")],
  ["\x1b[3^", press("C-delete")],
  ["\x1b[3$x", press("S-delete"), text("x")],
  ["\x1b[3@", press("C-S-delete")],
  ["\x1b[d", press("S-left")],
  ["\x1bOc", press("C-right")],
  // The Linux console.
  ["\x1b[[Ax", press("f1"), text("x")],
  ["\x1b[[Zx", text("x")],
  // Unknown sequences are dropped as a whole.
  ["\x1b[I\x1b[Ox", text("x")],
  ["\x1b[M !!x", text("x")],
  ["\x1b[<0;10;20Mx", text("x")],
  ["\x1b[<0;10;20mx", text("x")],
  ["\x1b[?2026;1$yx", text("x")],
  ["\x1b[>0;276;0cx", text("x")],
  ["\x1b[99~x", text("x")],
  ["\x1b[201~x", text("x")],
  ["\x1b[1;2;3 qx", text("x")],
  [`\x1b[${"1".repeat(500)}~x`, text("x")],
  ["\x1b]2;title\x07x", text("x")],
  ["\x1b]2;title\x1b\\x", text("x")],
  ["\x1bP1$r0m\x1b\\x", text("x")],
  ["\x1b_app\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\x", text("x")],
  // A truncated sequence does not affect what follows.
  ["\x1b[1;\x1b[Ax", press("up"), text("x")],
  ["\x1b[1\rx", press("enter"), text("x")],
  ["\x1b[1éx", text("éx")],
  // Pastes.
  ["\x1b[200~one\rtwo\r\nthree\n\x1b[201~x", paste("one\ntwo\nthree\n"), text("x")],
  ["\x1b[200~\x1b[201~", paste("")],
  [
    "\x1b[200~\x1b[A\x03\x1b[200~\x1b[201\x1b[20\x1b\x1b[201~",
    paste("\x1b[A\x03\x1b[200~\x1b[201\x1b[20\x1b"),
  ],
  ["\x1b[200~天\x1b[201~", paste("天")],
  ["a\x1b[200~b\x1b[201~c", text("a"), paste("b"), text("c")],
];

for (const [sent, ...keys] of TABLE) {
  const shown = sent.length > 60 ? `${sent.slice(0, 60)}…` : sent;
  Deno.test(`\`KeyDecoder\` decodes ${JSON.stringify(shown)}, wherever it is split`, () => {
    const bytes = encoder.encode(sent);
    assertEquals(decode(bytes), keys);
    assertEquals(decode(...Array.from(bytes, (byte) => Uint8Array.of(byte))), keys);
    for (let at = 1; at < bytes.length; at++) {
      assertEquals(decode(bytes.subarray(0, at), bytes.subarray(at)), keys, `split at ${at}`);
    }
  });
}

Deno.test("`KeyDecoder` decodes invalid UTF-8 as U+FFFD", () => {
  const cases: readonly (readonly [readonly number[], readonly TerminalInput[]])[] = [
    [[0xff, 0x61], [text("\uFFFDa")]],
    [[0xe5, 0xa4, 0x61], [text("\uFFFDa")]],
    [[0xe5, 0xa4, 0x0d], [text("\uFFFD"), press("enter")]],
    [[0xc3, 0x1b, 0x5b, 0x41], [text("\uFFFD"), press("up")]],
    [[0x1b, 0xff, 0x61], [press("M-\uFFFD"), text("a")]],
    [[0x1b, 0xc3, 0x0d], [press("M-\uFFFD"), press("enter")]],
  ];
  for (const [bytes, keys] of cases) {
    assertEquals(decode(Uint8Array.from(bytes)), keys);
    assertEquals(decode(...bytes.map((byte) => Uint8Array.of(byte))), keys);
  }
});

Deno.test("`KeyDecoder.pending` is true only while the bytes may be a complete key", () => {
  const after = (sent: string): boolean => {
    const decoder = new KeyDecoder();
    decoder.push(encoder.encode(sent));
    return decoder.pending;
  };
  assertEquals(["\x1b", "\x1b[", "\x1bO", "\x1b]", "\x1b]2;"].map(after), Array(5).fill(true));
  assertEquals(
    ["", "a", "\x1b[1;", "\x1b[A", "\x1b[200~\x1b"].map(after),
    Array(5).fill(false),
  );
});

Deno.test("`KeyDecoder.timeout()` drops an unfinished control string, and nothing else", () => {
  const decoder = new KeyDecoder();
  decoder.push(encoder.encode("\x1b]never ending"));
  assertEquals(decoder.timeout(), []);
  assertEquals(decoder.push(encoder.encode("x")), [text("x")]);
  decoder.push(encoder.encode("\x1b[200~pasted\x1b"));
  assertEquals(decoder.timeout(), []);
  assertEquals(decoder.push(encoder.encode("[201~")), [paste("pasted")]);
  decoder.push(encoder.encode("\x1b[1;"));
  assertEquals(decoder.timeout(), []);
  assertEquals(decoder.push(encoder.encode("5D")), [press("C-left")]);
});

Deno.test("`KeyDecoder` accepts a paste up to the limit and rejects a larger one", () => {
  const pasted = (size: number): readonly TerminalInput[] =>
    decode(encoder.encode(`\x1b[200~${"x".repeat(size)}\x1b[201~y`));
  assertEquals(pasted(MAX_PASTE), [paste("x".repeat(MAX_PASTE)), text("y")]);
  assertEquals(pasted(MAX_PASTE + 1), [{ kind: "pasteTooLarge" }, text("y")]);
});

/** Bytes as terminals send them, and arbitrary ones. */
const bytes = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.constantFrom(...TABLE.map(([sent]) => encoder.encode(sent))),
    fc.constantFrom("\x1b", "[", "O", "200~", "\x1b[200~", "\x1b[201~", "\x1b[20", "]", ";", "天")
      .map((part) => encoder.encode(part)),
  ),
  { maxLength: 12 },
).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

Deno.test("`KeyDecoder` decodes any bytes alike, however they are split", () => {
  fc.assert(fc.property(bytes, fc.array(fc.nat(100), { maxLength: 10 }), (sent, cuts) => {
    const places = [...new Set(cuts.map((cut) => Math.min(cut, sent.length)))]
      .sort((a, b) => a - b);
    const pieces = [0, ...places].map((start, at) => sent.subarray(start, places[at]));
    const whole = decode(sent);
    assertEquals(decode(...pieces), whole);
    assertEquals(decode(...Array.from(sent, (byte) => Uint8Array.of(byte))), whole);
    for (const key of whole) {
      // deno-lint-ignore no-control-regex -- the test looks for them
      if (key.kind === "text") assertEquals(/[\x00-\x1f\x7f]/.test(key.text), false);
    }
  }));
});

Deno.test("`KeyDecoder` waits for a slow answer, but not for one that never ends", () => {
  const decoder = new KeyDecoder();
  const slowly: TerminalInput[] = [];
  for (const piece of ["\x1b]11;", "rgb:ff", "ff/ffff/f", "fff\x1b", "\\", "x"]) {
    slowly.push(...decoder.push(encoder.encode(piece)), ...decoder.timeout());
  }
  assertEquals(slowly, [background("rgb:ffff/ffff/ffff"), text("x")]);
  const cut = [...decoder.push(encoder.encode("\x1b]11;rgb what else there is"))];
  cut.push(...decoder.timeout(), ...decoder.push(encoder.encode("x")));
  assertEquals(cut, [text("x")]);
});
