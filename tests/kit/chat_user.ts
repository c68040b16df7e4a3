import { type ClientConnection, connect, type ConnectOptions } from "../../client.ts";
import { TerminalChat } from "../../terminal/terminal_chat.ts";
import { FakeScreen } from "./fake_screen.ts";

/** Somebody at a terminal, talking through a real hub. */
export class ChatUser implements AsyncDisposable {
  readonly screen = new FakeScreen({ columns: 80, rows: 24 });
  readonly conversation: ClientConnection;
  readonly chat: TerminalChat;
  readonly ended: Promise<number>;

  constructor(url: string, sender: string, options: Partial<ConnectOptions> = {}) {
    this.conversation = connect({ url, sender, ...options });
    this.chat = new TerminalChat(this.conversation, this.screen, { color: false, wanted: sender });
    this.ended = this.chat.run();
    this.ended.catch(() => {});
  }

  /** Somebody who is in the lobby, and in other rooms if these are named. */
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
    await this.conversation.close();
    await this.ended.catch(() => {});
  }
}
