import type { AppendFile, FileStatus, FileSystem } from "../../commands/pipeline/files.ts";

/** The part of a change that was written before the process was killed. */
export type PartialWrite = "nothing" | "half" | "all";

/** Files in memory, for a process that is killed in the middle of any operation. */
export class MemoryFiles implements FileSystem {
  /** Number of operations that changed a file. */
  changes = 0;
  readonly #held = new Set<string>();
  #killAt = Infinity;
  #partialWrite: PartialWrite = "nothing";

  constructor(readonly contents: Map<string, Uint8Array<ArrayBuffer>> = new Map()) {}

  /** Kills the process during the change with this number, counted from 1. */
  killAt(change: number, part: PartialWrite): this {
    this.#killAt = change;
    this.#partialWrite = part;
    return this;
  }

  /** The files for the next process; all locks are released. */
  restart(): MemoryFiles {
    return new MemoryFiles(this.contents);
  }

  text(path: string): string | undefined {
    const bytes = this.contents.get(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  put(path: string, text: string): this {
    this.contents.set(path, new TextEncoder().encode(text));
    return this;
  }

  readText(path: string): Promise<string | undefined> {
    return Promise.resolve(this.text(path));
  }

  /** In two steps, as on a disk: a temporary file, then its rename, of which there is no half. */
  async replaceText(path: string, text: string): Promise<void> {
    const temporary = `${path}.new`;
    await this.change((part) => this.put(temporary, text.slice(0, Math.ceil(text.length * part))));
    await this.change((part) => {
      if (part < 1) return;
      this.put(path, text);
      this.contents.delete(temporary);
    });
  }

  open(path: string): Promise<AppendFile> {
    if (!this.contents.has(path)) this.contents.set(path, new Uint8Array());
    return Promise.resolve(new MemoryFile(this, path));
  }

  lock(path: string): Promise<Disposable | undefined> {
    if (this.#held.has(path)) return Promise.resolve(undefined);
    this.#held.add(path);
    return Promise.resolve({ [Symbol.dispose]: () => void this.#held.delete(path) });
  }

  /** Calls `apply` with 1, or with the part written when the process is killed now. */
  change(apply: (part: number) => void): Promise<void> {
    this.changes++;
    if (this.changes < this.#killAt) {
      apply(1);
      return Promise.resolve();
    }
    if (this.changes === this.#killAt) apply({ nothing: 0, half: 0.5, all: 1 }[this.#partialWrite]);
    return Promise.reject(new Error("killed"));
  }
}

class MemoryFile implements AppendFile {
  constructor(private readonly files: MemoryFiles, private readonly path: string) {}

  lock(): Promise<boolean> {
    return Promise.resolve(true);
  }

  status(): Promise<FileStatus> {
    return Promise.resolve({ size: this.#bytes.length, linked: true });
  }

  isAt(path: string): Promise<boolean> {
    return Promise.resolve(path === this.path);
  }

  read(from: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.#bytes.slice(from, from + length));
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.files.change((part) => {
      const written = bytes.subarray(0, Math.floor(bytes.length * part));
      this.files.contents.set(this.path, new Uint8Array([...this.#bytes, ...written]));
    });
  }

  truncate(size: number): Promise<void> {
    return this.files.change((part) => {
      if (part === 1) this.files.contents.set(this.path, this.#bytes.slice(0, size));
    });
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.dispose](): void {}

  get #bytes(): Uint8Array<ArrayBuffer> {
    return this.files.contents.get(this.path) ?? new Uint8Array();
  }
}
