import { setImmediate } from "node:timers";
import type { ClientConnection } from "../../client/types.ts";
import { type ChatOptions, TerminalChat } from "../../terminal/terminal_chat.ts";
import { FakeClock } from "./fake_clock.ts";
import { beginning, FakeConversation, said, TIMESTAMP } from "./fake_conversation.ts";
import { FakeScreen } from "./fake_screen.ts";

/** A chat on a screen that remembers, without a hub. */
export class ChatScene implements AsyncDisposable {
  readonly conversation = new FakeConversation();
  readonly screen: FakeScreen;
  readonly clock = new FakeClock();
  readonly chat: TerminalChat;
  readonly ended: Promise<number>;

  private constructor(
    options: Partial<ChatOptions> & {
      readonly columns?: number;
      readonly rows?: number;
      readonly plain?: boolean;
    },
  ) {
    this.screen = new FakeScreen(options);
    // Nobody has a name before the hub gives one.
    this.conversation.sender = undefined;
    this.clock.advance(Date.parse(TIMESTAMP) - this.clock.now());
    this.chat = new TerminalChat(this.conversation, this.screen, {
      color: false,
      clock: this.clock,
      address: "ws://hub.test",
      ...options,
    });
    this.ended = this.chat.run();
    // Who looks at it does so below.
    this.ended.catch(() => {});
  }

  /** Alice in the lobby, with `others`. */
  static async begin(
    options: Partial<ChatOptions> & {
      readonly columns?: number;
      readonly rows?: number;
      readonly plain?: boolean;
      readonly others?: readonly string[];
    } = {},
  ): Promise<ChatScene> {
    const scene = new ChatScene(options);
    scene.conversation.sender = "Alice";
    scene.conversation.emit(...beginning("Alice", ["Alice", ...options.others ?? ["Bob"]]));
    await scene.screen.has("in lobby: Alice");
    return scene;
  }

  /** The chat before the hub said anything. */
  static unmet(options: Partial<ChatOptions> = {}): ChatScene {
    return new ChatScene(options);
  }

  /** Enters another room, as the hub would tell it. */
  enter(room: string, members: readonly string[] = ["Alice", "Bob"]): void {
    for (const event of beginning("Alice", members)) {
      if (event.type === "joined") this.conversation.emit({ ...event, room });
    }
  }

  /**
   * Lets the chat take in all that was emitted before: nothing here waits for the world outside, so
   * it all happens within this turn of the event loop.
   */
  async settle(): Promise<void> {
    // Not a timer, which would give way to whatever else the machine has to do.
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
  }

  /** Somebody says something in a room; ids go up by themselves. */
  hear(sender: string, message: string, room = "lobby"): void {
    this.conversation.emit(said(sender, message, { room, id: ++this.#id }));
  }

  #id = 100;

  async [Symbol.asyncDispose](): Promise<void> {
    void this.chat.leave();
    await (this.conversation as ClientConnection).close();
    await this.ended.catch(() => {});
  }
}
