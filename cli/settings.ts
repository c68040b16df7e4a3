import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { visible } from "../protocol.ts";
import { UsageError } from "./errors.ts";
import { suggestion } from "./text.ts";

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

/** JSON with comments and trailing commas, whose every mistake can be pointed at. */
export class Settings {
  readonly root: Setting;
  readonly #text: string;

  constructor(readonly path: string, text: string, root: Node | undefined) {
    this.#text = text;
    this.root = this.#setting("", root, 0);
  }

  /**
   * The settings of an object.
   *
   * @param where what the object is, for the message when it is none.
   * @throws {UsageError} when it is no object, or names a key twice.
   */
  members(of: Setting, where: string): readonly Setting[] {
    // A file of comments alone is a file that says nothing.
    if (of.node === undefined) return [];
    if (of.node.type !== "object") {
      throw this.problem(of, `${where} must be an object, such as {"key": "value"}`);
    }
    const members = (of.node.children ?? []).map(({ children: [key, value] = [], offset }) =>
      this.#setting(String(key?.value), value, offset)
    );
    const seen = new Set<string>();
    for (const member of members) {
      if (seen.has(member.key)) {
        throw this.problem(member, `"${visible(member.key)}" is there twice`);
      }
      seen.add(member.key);
    }
    return members;
  }

  /** An error at the place of a key that nobody knows. */
  unknownKey(setting: Setting, where: string, known: readonly string[]): UsageError {
    const hint = suggestion(setting.key, known, (word) => `"${word}"`) ||
      `It takes ${known.join(", ")}`;
    const said = visible(setting.key.slice(0, 60));
    const keyAt = setting.node?.parent?.offset ?? setting.offset;
    return this.#error(keyAt, `unknown key "${said}" in ${where}. ${hint}`);
  }

  /** An error at the place of a value. */
  problem(setting: Setting, what: string): UsageError {
    return this.#error(setting.node?.offset ?? setting.offset, what);
  }

  /** The first mistake of the text itself. */
  mistake({ error, offset }: ParseError): UsageError {
    const name = printParseErrorCode(error);
    return this.#error(offset, MISTAKES[name] ?? name);
  }

  #error(offset: number, what: string): UsageError {
    const before = this.#text.slice(0, offset).split(/\r\n|\r|\n/);
    const line = before.length;
    // In characters, as editors count.
    const column = [...before.at(-1) ?? ""].length + 1;
    return new UsageError(`${visible(this.path)}:${line}:${column}: ${what}`);
  }

  #setting(key: string, node: Node | undefined, offset: number): Setting {
    const raw = node === undefined ? "" : this.#text.slice(node.offset, node.offset + node.length);
    return { key, value: valueOf(node), raw, shown: shown(raw), node, offset };
  }
}

/**
 * Reads JSON with comments.
 *
 * @throws {UsageError} that names `path`, line and column of the first mistake.
 */
export function parseSettings(path: string, text: string): Settings {
  // Some editors begin with a mark that says UTF-8.
  const json = text.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const root = parseTree(json, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const settings = new Settings(path, json, root);
  const [first] = errors;
  if (first !== undefined) throw settings.mistake(first);
  return settings;
}

function valueOf(node: Node | undefined): unknown {
  if (node?.type === "array") return (node.children ?? []).map(valueOf);
  return node?.type === "object" ? {} : node?.value;
}

function shown(raw: string): string {
  const line = raw.replaceAll(/\s+/g, " ");
  return visible(line.length > 60 ? line.slice(0, 60) + "…" : line);
}
