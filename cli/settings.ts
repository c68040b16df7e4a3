import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { visible } from "../protocol.ts";
import { UsageError } from "./errors.ts";
import { suggestion } from "../lib/words.ts";

/** A key of a settings file, and its value. */
export interface Setting {
  /** Empty for the whole file. */
  readonly key: string;
  /** Without the contents of objects: their keys are settings of their own. */
  readonly value: unknown;
  /** The text of the value. */
  readonly raw: string;
  /** The value for error messages: short, strings in quotes. */
  readonly shown: string;
  readonly node: Node | undefined;
  /** Where errors point, in UTF-16 units from the start. */
  readonly offset: number;
}

/** A mistake in a settings file. */
export interface SettingFault {
  /** From 1. */
  readonly line: number;
  /** In characters, from 1, as editors count. */
  readonly column: number;
  /** One line: place, mistake, expectation. */
  readonly message: string;
}

// The parser only names its errors.
const MISTAKES: Readonly<Record<string, string>> = {
  InvalidSymbol: "invalid JSON value: strings need quotes",
  InvalidNumberFormat: "invalid number",
  PropertyNameExpected: "expected a key in quotes",
  ValueExpected: "expected a value",
  ColonExpected: "expected a colon",
  CommaExpected: "expected a comma",
  CloseBraceExpected: "expected a closing }",
  CloseBracketExpected: "expected a closing ]",
  EndOfFileExpected: "unexpected text after the end",
  UnexpectedEndOfComment: "unterminated comment",
  UnexpectedEndOfString: "unterminated string: a quote is missing",
  InvalidEscapeCharacter: 'invalid escape: use \\ with one of " \\ / b f n r t u',
  InvalidUnicode: "invalid escape: \\u needs four hexadecimal digits",
  InvalidCharacter: "invalid character in a string: escape it",
};

/**
 * JSON with comments and trailing commas. Mistakes are recorded and the rest is still read, so that
 * one pass finds them all.
 */
export class SettingsReader {
  readonly root: Setting;
  readonly #text: string;
  readonly #faults: SettingFault[] = [];

  constructor(readonly path: string, text: string, root: Node | undefined) {
    this.#text = text;
    this.root = this.#setting("", root, 0);
  }

  /** The mistakes so far; those of syntax come first. */
  get faults(): readonly SettingFault[] {
    return this.#faults;
  }

  /** @throws {UsageError} with the first of {@linkcode faults}. */
  orThrow(): void {
    const [first] = this.#faults;
    if (first !== undefined) throw new UsageError(first.message);
  }

  /**
   * The members of an object; the first one of a duplicate key.
   *
   * @param where names the object in errors.
   */
  members(of: Setting, where: string): readonly Setting[] {
    // A file of comments alone is valid.
    if (of.node === undefined) return [];
    if (of.node.type !== "object") {
      this.problem(of, `${where} must be an object, such as {"key": "value"}`);
      return [];
    }
    const members = new Map<string, Setting>();
    for (const { children: [key, value] = [], offset } of of.node.children ?? []) {
      const member = this.#setting(String(key?.value), value, offset);
      if (members.has(member.key)) this.problem(member, `"${visible(member.key)}" is a duplicate`);
      else members.set(member.key, member);
    }
    return [...members.values()];
  }

  /** The line of the value, from 1. */
  lineOf(setting: Setting): number {
    return this.#place(offsetOf(setting)).line;
  }

  unknownKey(setting: Setting, where: string, known: readonly string[]): void {
    const hint = suggestion(setting.key, known, (word) => `"${word}"`) ||
      `Valid keys: ${known.join(", ")}`;
    const said = visible(setting.key.slice(0, 60));
    const keyAt = setting.node?.parent?.offset ?? setting.offset;
    this.#record(keyAt, `unknown key "${said}" in ${where}. ${hint}`);
  }

  /** Records an invalid value. */
  problem(setting: Setting, what: string): void {
    this.#record(offsetOf(setting), what);
  }

  /** Records a syntax error; further ones in the same line are mostly consequences. */
  mistake({ error, offset }: ParseError): void {
    const { line } = this.#place(offset);
    if (this.#faults.some((fault) => fault.line === line)) return;
    const name = printParseErrorCode(error);
    this.#record(offset, MISTAKES[name] ?? name);
  }

  #record(offset: number, what: string): void {
    const { line, column } = this.#place(offset);
    const message = `${visible(this.path)}:${line}:${column}: ${what}`;
    this.#faults.push({ line, column, message });
  }

  #place(offset: number): { readonly line: number; readonly column: number } {
    const before = this.#text.slice(0, offset).split(/\r\n|\r|\n/);
    return { line: before.length, column: [...before.at(-1) ?? ""].length + 1 };
  }

  #setting(key: string, node: Node | undefined, offset: number): Setting {
    const raw = node === undefined ? "" : this.#text.slice(node.offset, node.offset + node.length);
    return { key, value: valueOf(node), raw, shown: shown(raw), node, offset };
  }
}

/** @param path for error messages */
export function parseSettings(path: string, text: string): SettingsReader {
  // Some editors write a byte order mark.
  const json = text.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const root = parseTree(json, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const settings = new SettingsReader(path, json, root);
  for (const error of errors) settings.mistake(error);
  return settings;
}

function offsetOf({ node, offset }: Setting): number {
  return node?.offset ?? offset;
}

function valueOf(node: Node | undefined): unknown {
  if (node?.type === "array") return (node.children ?? []).map(valueOf);
  return node?.type === "object" ? {} : node?.value;
}

function shown(raw: string): string {
  const line = raw.replaceAll(/\s+/g, " ");
  return visible(line.length > 60 ? line.slice(0, 60) + "…" : line);
}
