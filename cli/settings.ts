import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { visible } from "../protocol.ts";
import { UsageError } from "./errors.ts";
import { suggestion } from "../lib/words.ts";

/** A key of a file of settings, with what it is set to. */
export interface Setting {
  /** Empty for the whole file. */
  readonly key: string;
  /** The value; objects are not in it, their keys are read as settings of their own. */
  readonly value: unknown;
  /** The value as it is written. */
  readonly raw: string;
  /** The value for an error message: short, in quotes where it is text. */
  readonly shown: string;
  /** Where the value is. */
  readonly node: Node | undefined;
  /** Where to point when it is wrong, in UTF-16 units from the beginning. */
  readonly offset: number;
}

/** Something that is wrong in a file of settings. */
export interface SettingFault {
  /** Counted from 1. */
  readonly line: number;
  /** In characters, as editors count, from 1. */
  readonly column: number;
  /** One line that says where, what, and what is expected. */
  readonly message: string;
}

// What people get wrong, in words; the parser has names for it only.
const MISTAKES: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is no JSON value: texts need quotes",
  InvalidNumberFormat: "this is no number",
  PropertyNameExpected: "a key in quotes is missing here",
  ValueExpected: "a value is missing here",
  ColonExpected: "a colon is missing here",
  CommaExpected: "a comma is missing here",
  CloseBraceExpected: "a closing } is missing here",
  CloseBracketExpected: "a closing ] is missing here",
  EndOfFileExpected: "nothing may follow the end",
  UnexpectedEndOfComment: "the comment does not end",
  UnexpectedEndOfString: "the text does not end: a quote is missing",
  InvalidEscapeCharacter: 'after a backslash comes one of " \\ / b f n r t u',
  InvalidUnicode: "after \\u come four hexadecimal digits",
  InvalidCharacter: "no such character may be in a text",
};

/**
 * JSON with comments and trailing commas, whose every mistake can be pointed at. What is wrong is
 * noted, and what is right is read nevertheless: one look shall find all of it.
 */
export class SettingsReader {
  readonly root: Setting;
  readonly #text: string;
  readonly #faults: SettingFault[] = [];

  constructor(readonly path: string, text: string, root: Node | undefined) {
    this.#text = text;
    this.root = this.#setting("", root, 0);
  }

  /** What was found wrong so far; mistakes of the text itself come first. */
  get faults(): readonly SettingFault[] {
    return this.#faults;
  }

  /** @throws {UsageError} that says the first of {@linkcode faults}. */
  orThrow(): void {
    const [first] = this.#faults;
    if (first !== undefined) throw new UsageError(first.message);
  }

  /**
   * The settings of an object; none of what is no object, and the first of those with one key.
   *
   * @param where what the object is, for the message when it is none.
   */
  members(of: Setting, where: string): readonly Setting[] {
    // A file of comments alone is a file that says nothing.
    if (of.node === undefined) return [];
    if (of.node.type !== "object") {
      this.problem(of, `${where} must be an object, such as {"key": "value"}`);
      return [];
    }
    const members = new Map<string, Setting>();
    for (const { children: [key, value] = [], offset } of of.node.children ?? []) {
      const member = this.#setting(String(key?.value), value, offset);
      if (members.has(member.key)) this.problem(member, `"${visible(member.key)}" is there twice`);
      else members.set(member.key, member);
    }
    return [...members.values()];
  }

  /** The line of a setting's value, from 1. */
  lineOf(setting: Setting): number {
    return this.#place(offsetOf(setting)).line;
  }

  /** Notes a key that nobody knows. */
  unknownKey(setting: Setting, where: string, known: readonly string[]): void {
    const hint = suggestion(setting.key, known, (word) => `"${word}"`) ||
      `It takes ${known.join(", ")}`;
    const said = visible(setting.key.slice(0, 60));
    const keyAt = setting.node?.parent?.offset ?? setting.offset;
    this.#note(keyAt, `unknown key "${said}" in ${where}. ${hint}`);
  }

  /** Notes what is wrong with a value. */
  problem(setting: Setting, what: string): void {
    this.#note(offsetOf(setting), what);
  }

  /** Notes a mistake of the text itself. Further ones in its line are mostly what follows from it. */
  mistake({ error, offset }: ParseError): void {
    const { line } = this.#place(offset);
    if (this.#faults.some((fault) => fault.line === line)) return;
    const name = printParseErrorCode(error);
    this.#note(offset, MISTAKES[name] ?? name);
  }

  #note(offset: number, what: string): void {
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

/** Reads JSON with comments; `path` is for the messages. */
export function parseSettings(path: string, text: string): SettingsReader {
  // Some editors begin with a mark that says UTF-8.
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
