import { setImmediate } from "node:timers";
import type { ClientConnection } from "../../client/types.ts";
import { type ChatOptions, TerminalChat } from "../../terminal/terminal_chat.ts";
import { FakeClock } from "./fake_clock.ts";
import { chatMessage, connectedEvents, FakeConnection, TIMESTAMP } from "./fake_connection.ts";
import { FakeScreen } from "./fake_screen.ts";

/** A chat on a screen that remembers, without a hub. */
export class ChatHarness implements AsyncDisposable {
  readonly connection = new FakeConnection();
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
    this.connection.sender = undefined;
    this.clock.advance(Date.parse(TIMESTAMP) - this.clock.now());
    this.chat = new TerminalChat(this.connection, this.screen, {
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
  static async joined(
    options: Partial<ChatOptions> & {
      readonly columns?: number;
      readonly rows?: number;
      readonly plain?: boolean;
      readonly others?: readonly string[];
    } = {},
  ): Promise<ChatHarness> {
    const scene = new ChatHarness(options);
    scene.connection.sender = "Alice";
    scene.connection.emit(...connectedEvents("Alice", ["Alice", ...options.others ?? ["Bob"]]));
    await scene.screen.has("in lobby: Alice");
    return scene;
  }

  /** The chat before the hub said anything. */
  static unconnected(options: Partial<ChatOptions> = {}): ChatHarness {
    return new ChatHarness(options);
  }

  /** Enters another room, as the hub would tell it. */
  joinRoom(room: string, members: readonly string[] = ["Alice", "Bob"]): void {
    for (const event of connectedEvents("Alice", members)) {
      if (event.type === "joined") this.connection.emit({ ...event, room });
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
  receive(sender: string, message: string, room = "lobby"): void {
    this.connection.emit(chatMessage(sender, message, { room, id: ++this.#id }));
  }

  #id = 100;

  async [Symbol.asyncDispose](): Promise<void> {
    void this.chat.leave();
    await (this.connection as ClientConnection).close();
    await this.ended.catch(() => {});
  }
}
