import { setImmediate } from "node:timers";
import type { ClientConnection } from "../../client/types.ts";
import { type ChatOptions, TerminalChat } from "../../terminal/terminal_chat.ts";
import { FakeClock } from "./fake_clock.ts";
import { chatMessage, connectedEvents, FakeConnection, TIMESTAMP } from "./fake_connection.ts";
import { FakeScreen } from "./fake_screen.ts";

interface HarnessOptions extends Partial<ChatOptions> {
  readonly columns?: number;
  readonly rows?: number;
  readonly plain?: boolean;
}

/** The terminal chat without a hub and without a terminal. */
export class ChatHarness implements AsyncDisposable {
  readonly connection = new FakeConnection();
  readonly screen: FakeScreen;
  readonly clock = new FakeClock();
  readonly chat: TerminalChat;
  readonly ended: Promise<number>;

  private constructor(options: HarnessOptions) {
    this.screen = new FakeScreen(options);
    // The hub assigns the name when it connects.
    this.connection.sender = undefined;
    this.clock.advance(Date.parse(TIMESTAMP) - this.clock.now());
    this.chat = new TerminalChat(this.connection, this.screen, {
      color: false,
      clock: this.clock,
      address: "ws://hub.test",
      ...options,
    });
    this.ended = this.chat.run();
    // Tests await it themselves.
    this.ended.catch(() => {});
  }

  /** A chat in which Alice is in the lobby, with `others`. */
  static async joined(
    options: HarnessOptions & { readonly others?: readonly string[] } = {},
  ): Promise<ChatHarness> {
    const scene = new ChatHarness(options);
    scene.connection.sender = "Alice";
    scene.connection.emit(...connectedEvents("Alice", ["Alice", ...options.others ?? ["Bob"]]));
    await scene.screen.has("in lobby: Alice");
    return scene;
  }

  /** A chat that has not connected yet. */
  static unconnected(options: Partial<ChatOptions> = {}): ChatHarness {
    return new ChatHarness(options);
  }

  /** Emits the event that Alice has joined a room. */
  joinRoom(room: string, members: readonly string[] = ["Alice", "Bob"]): void {
    for (const event of connectedEvents("Alice", members)) {
      if (event.type === "joined") this.connection.emit({ ...event, room });
    }
  }

  /**
   * Waits until the chat has handled all events emitted before: without I/O, this happens within one
   * turn of the event loop.
   */
  async settle(): Promise<void> {
    // Unlike a timer, this does not depend on the load of the machine.
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
  }

  /** Emits a message with the next id. */
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
