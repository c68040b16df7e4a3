import { nameFlag, roomsFlag } from "../client/client_flags.ts";
import { TOKEN_FLAGS } from "../client/token.ts";
import type { ADDRESS_FLAGS } from "../client/address.ts";
import { connectorFor, type HubConnector } from "../client/trust.ts";
import type { CommandInput } from "../../cli/command.ts";
import { CliError, EXIT, UsageError } from "../../cli/errors.ts";
import * as flag from "../../cli/flags.ts";
import { plural } from "../../render/text.ts";
import { type ClientConnection, connect, type ConnectOptions } from "../../client.ts";
import type { RoomPosition } from "../../protocol.ts";
import { CursorFile } from "./cursor_file.ts";
import { follow, type FollowEvent, type FollowPosition, type Gap } from "./follow.ts";
import { HubHistoryReader } from "./history_reader.ts";
import { ConnectionNotices } from "./connection_notices.ts";

/** UTF-16 units of frames that wait for a slow reader; a fast one never has as many. */
const MAX_UNREAD = 4 * 1024 * 1024;

/** The flags of commands that follow rooms. */
export const FOLLOW_FLAGS = {
  room: roomsFlag("Room to follow (repeatable)"),
  name: nameFlag({ help: "Your name (a guest without one)" }),
  ...TOKEN_FLAGS,
  cursor: flag.text({
    placeholder: "FILE",
    help: "Resume from the position in FILE, and update it",
  }),
  after: flag.value<number | undefined>({
    fallback: undefined,
    placeholder: "ID",
    expects: "the id of a message, or 0 for everything there is",
    parse: (text) => /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined,
    help: "Start after this message ID (0 = oldest)",
  }),
  since: flag.seconds({
    fallback: 0,
    defaultText: "",
    min: 1,
    help: "Start with messages of this period, such as 10m",
  }),
  count: flag.integer({
    fallback: 0,
    defaultText: "",
    min: 1,
    help: "Exit after this many messages",
  }),
  strict: flag.toggle({
    help: "Exit with 1 if the hub no longer has messages",
  }),
  wait: flag.toggle({ help: "Wait for a hub that is unreachable at start" }),
};

type FollowInput = CommandInput<typeof FOLLOW_FLAGS & typeof ADDRESS_FLAGS>;

/** Opens the cursor that the flags name, and checks them. */
export async function openCursor({ flags, source }: FollowInput): Promise<CursorFile | undefined> {
  if (flags.after !== undefined && source("since") !== "default") {
    throw new UsageError("Cannot use --after together with --since: leave one out");
  }
  return flags.cursor === undefined ? undefined : await CursorFile.open(flags.cursor);
}

/** What following rooms takes beside the flags. */
export interface RoomFollowerOptions {
  readonly url: URL;
  /** What lets this program in. */
  readonly token: Pick<ConnectOptions, "token">;
  readonly cursor: CursorFile | undefined;
  /** Writes a line for the person who started the program. */
  readonly say: (line: string) => void;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

/** Rooms that are being followed. */
export class RoomFollower implements AsyncDisposable {
  readonly #conversation: ClientConnection;
  readonly #access: ConnectOptions;

  private constructor(
    private readonly input: FollowInput,
    private readonly options: RoomFollowerOptions,
    private readonly way: HubConnector,
  ) {
    const { flags } = input;
    const { url, token, signal } = options;
    this.#access = { url, signal, ...token };
    this.#conversation = connect({
      ...this.#access,
      retryFirst: flags.wait,
      maxUnread: MAX_UNREAD,
      ...(flags.name === undefined ? {} : { sender: flags.name }),
      ...(flags.room.length === 0 ? {} : { rooms: flags.room.map((room) => this.#wanted(room)) }),
    }, way.seams);
  }

  /**
   * Begins to follow what the flags name.
   *
   * @throws {CliError} when whom to trust makes no sense.
   */
  static open(input: FollowInput, options: RoomFollowerOptions): RoomFollower {
    return new RoomFollower(input, options, connectorFor(options.url, input.flags));
  }

  /** Everything said in the rooms from where reading is to begin. */
  steps(): AsyncGenerator<FollowEvent> {
    const { say } = this.options;
    const { flags, source } = this.input;
    const past = new HubHistoryReader(this.#access, this.way.seams);
    const since = Date.now() - flags.since * 1000;
    const talk = new ConnectionNotices();
    return follow({
      conversation: this.#conversation,
      past,
      start: async (room) => {
        const known = this.#known(room);
        if (known !== undefined || source("since") === "default") return known;
        return { id: await past.before(room, since) };
      },
      onGap: (gap) => this.#gap(gap),
      onEvent: (event) => {
        const news = talk.news(event);
        if (news !== undefined) say(news);
        if (event.type === "online" && event.welcome.rooms.length === 0) {
          throw new CliError("The hub lets you into none of these rooms", EXIT.refused);
        }
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#conversation.close();
    await this.way[Symbol.asyncDispose]();
  }

  #wanted(room: string): RoomPosition {
    const known = this.#known(room);
    if (known === undefined) return { room, history: 0 };
    const { epoch, id } = known;
    return { room, after: id, history: 0, ...(epoch === undefined ? {} : { epoch }) };
  }

  #known(room: string): FollowPosition | undefined {
    const { after } = this.input.flags;
    return this.options.cursor?.rooms.get(room) ??
      (after === undefined ? undefined : { id: after });
  }

  #gap({ sentence }: Gap): void {
    if (this.input.flags.strict) {
      throw new CliError(`${sentence}. Without --strict it would go on after them`);
    }
    this.options.say(`! GAP: ${sentence}`);
  }
}

/** The line for too few messages within `--timeout`. */
export function tooFew(came: number, wanted: number, timeout: number): string {
  const only = came === 0 ? "No message" : `Only ${plural(came, "message")}`;
  return `${only} of ${wanted.toLocaleString("en-US")} came within ${timeout} s`;
}
