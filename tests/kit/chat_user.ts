import { type ClientConnection, connect, type ConnectOptions } from "../../client.ts";
import { TerminalChat } from "../../terminal/terminal_chat.ts";
import { FakeScreen } from "./fake_screen.ts";

/** A terminal chat on a fake screen, connected to a real hub. */
export class ChatUser implements AsyncDisposable {
  readonly screen = new FakeScreen({ columns: 80, rows: 24 });
  readonly connection: ClientConnection;
  readonly chat: TerminalChat;
  readonly ended: Promise<number>;

  constructor(url: string, sender: string, options: Partial<ConnectOptions> = {}) {
    this.connection = connect({ url, sender, ...options });
    this.chat = new TerminalChat(this.connection, this.screen, { color: false, wanted: sender });
    this.ended = this.chat.run();
    this.ended.catch(() => {});
  }

  /** Waits until the user is in the lobby. */
  static async at(
    url: string,
    sender: string,
    options: Partial<ConnectOptions> = {},
  ): Promise<ChatUser> {
    const person = new ChatUser(url, sender, options);
    await person.screen.has("in lobby:");
    return person;
  }

  says(line: string): void {
    this.chat.line(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    void this.chat.leave();
    await this.connection.close();
    await this.ended.catch(() => {});
  }
}
