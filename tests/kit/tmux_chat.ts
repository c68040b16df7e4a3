import { type Folder, temporaryFolder } from "./folder.ts";
import { programCommand } from "./process.ts";
import { Tmux } from "./tmux.ts";

/** The terminal client in tmux, with a data directory of its own. */
export class TmuxChat implements AsyncDisposable {
  private constructor(
    readonly terminal: Tmux,
    private readonly folder: Folder,
  ) {}

  /** Starts it, and waits until it is in its room. */
  static async open(
    { columns, rows, url, args = [] }: {
      readonly columns: number;
      readonly rows: number;
      readonly url: string;
      readonly args?: readonly string[];
    },
  ): Promise<TmuxChat> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await temporaryFolder());
    const env = { XDG_DATA_HOME: folder.path, USER: "tester", TZ: "UTC" };
    const terminal = stack.use(await Tmux.open({ columns, rows, env }));
    const words = [...programCommand(), "connect", url, "--name", "Alice", ...args];
    await terminal.type(`clear; ${words.map((word) => `'${word}'`).join(" ")}`);
    await terminal.press("Enter");
    await terminal.shows(/^\[\w+\] Alice>$/m);
    stack.move();
    return new TmuxChat(terminal, folder);
  }

  async say(line: string): Promise<void> {
    await this.terminal.type(line);
    await this.terminal.press("Enter");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal[Symbol.asyncDispose]();
    await this.folder[Symbol.asyncDispose]();
  }
}
