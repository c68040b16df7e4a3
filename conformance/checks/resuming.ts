import { type Check, type CheckContext, publish } from "../context.ts";
import { expect, type JsonFrame, same } from "../peer.ts";

/** All entries of a room that a client got, in order. */
function entries(frames: readonly JsonFrame[], room: string): readonly JsonFrame[] {
  return frames.filter((frame) => frame["room"] === room).flatMap((frame) =>
    frame["type"] === "joined" ? frame["messages"] : frame["type"] === "message" ? [frame] : []
  );
}

function ids(frames: readonly JsonFrame[], room: string): readonly number[] {
  return entries(frames, room).map(({ id }) => id);
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** A room with ten messages, and its epoch. */
async function roomOfTen(context: CheckContext) {
  const room = context.unique();
  const { peer, joined } = await context.member({ room });
  await publish(peer, room, range(1, 10).map(String));
  return { room, epoch: String(joined["epoch"]), peer };
}

/** What a position leads to: the fields of `joined`, and the ids of all messages. */
const STARTS:
  readonly (readonly [position: JsonFrame, joined: JsonFrame, ids: readonly number[]])[] = [
    [{ recent: 3 }, { recovered: false, more: true }, [8, 9, 10]],
    [{ recent: 0 }, { recovered: false, more: true }, []],
    [{ recent: 100 }, { recovered: false, more: false }, range(1, 10)],
    [{ after: 0 }, { recovered: true, more: false }, range(1, 10)],
    [{ after: 7, epoch: "" }, { recovered: true, more: false }, [8, 9, 10]],
    [{ after: 10, epoch: "" }, { recovered: true, more: false }, []],
    [{ after: 2, epoch: "", max: 3 }, { recovered: true, more: true }, [8, 9, 10]],
    [{ after: 7, epoch: "", max: 3 }, { recovered: true, more: false }, [8, 9, 10]],
    [{ after: 7, epoch: "other", recent: 2 }, { recovered: false, reset: "epoch", more: true }, [
      9,
      10,
    ]],
    [
      { after: 99, epoch: "", recent: 1 },
      { recovered: false, reset: "ahead", more: true },
      [10],
    ],
  ];

/** Positions, sessions and history. */
export const RESUMING: readonly Check[] = [
  {
    name: "joined and what follows are what the position asks for, with hello and with join",
    async run(context) {
      const { room, epoch, peer } = await roomOfTen(context);
      for (const [start, fields, wanted] of STARTS) {
        const position = { room, ...start, ...(start["epoch"] === "" ? { epoch } : {}) };
        const what = JSON.stringify(start);
        const fresh = await context.member(position);
        const mark = peer.frames.length;
        const joined = await peer.ask({ type: "join", ...position });
        const live = await peer.next("live");
        for (
          const [frame, frames] of [
            [fresh.joined, fresh.peer.frames],
            [joined, peer.frames.slice(mark)],
          ] as const
        ) {
          const { recovered, reset, more } = frame;
          same({ recovered, reset, more }, fields, `joined for ${what}`);
          same(
            [frame["first"], frame["last"], frame["epoch"]],
            [1, 10, epoch],
            `range for ${what}`,
          );
          same(ids(frames, room), wanted, `the ids for ${what}`);
        }
        same(live["id"], 10, `live for ${what}`);
        await fresh.peer.close();
      }
      return `${STARTS.length} positions`;
    },
  },
  {
    name: "a session resumes: same name, what was missed, once and in order",
    async run(context) {
      const room = context.unique();
      const [alice, bob] = [await context.member({ room }), await context.member({ room })];
      await publish(bob.peer, room, ["1", "2"]);
      await alice.peer.next((frame) => frame["id"] === 2, "the second message");
      await alice.peer.close(3000);
      await publish(bob.peer, room, ["3", "4"]);
      const { session, sender } = alice.welcome;
      const position = { room, epoch: alice.joined["epoch"], after: 2 };
      const again = await context.member(position, { session, sender: undefined });
      const { welcome, joined, peer } = again;
      same([welcome["resumed"], welcome["sender"]], [true, sender], "resumed and sender");
      same(joined["recovered"], true, "recovered");
      await publish(bob.peer, room, ["5"]);
      await peer.next((frame) => frame["id"] === 5, "the live message");
      same(ids(peer.frames, room), [3, 4, 5], "the ids");
      return "ids 3, 4, 5";
    },
  },
  {
    name: "after close code 1000 the session is over: resumed is false",
    async run(context) {
      const first = await context.v1({ rooms: [] });
      await first.peer.close(1000);
      const { session } = first.welcome;
      const { welcome } = await context.v1({ rooms: [], session });
      same(welcome["resumed"], false, "resumed");
      return "a new session";
    },
  },
  {
    name: "a long catch-up comes in frames of at most maxFrameBytes, complete and in order",
    async run(context) {
      const [room, small] = [context.unique(), context.unique()];
      const { peer, welcome } = await context.member({ room });
      const { maxMessageBytes, maxFrameBytes } = welcome["limits"];
      const size = Math.min(Math.floor(maxMessageBytes * 0.9), 60_000);
      const count = Math.min(Math.ceil((1.5 * maxFrameBytes) / size), 40);
      await publish(peer, room, range(1, count).map((n) => `${n} `.padEnd(size, "x")));
      const reader = await context.v1({ rooms: [{ room, after: 0 }, { room: small, after: 0 }] });
      const isLive = ({ type }: JsonFrame) => type === "live";
      const last = [await reader.peer.next(isLive, "live"), await reader.peer.next(isLive, "live")];
      same(
        Object.fromEntries(last.map(({ room, id }) => [room, id])),
        { [room]: count, [small]: 0 },
        "live",
      );
      same(ids(reader.peer.frames, room), range(1, count), "the ids");
      const { largest, frames } = reader.peer;
      expect(
        largest <= maxFrameBytes,
        `a frame has ${largest} bytes, not at most ${maxFrameBytes}`,
      );
      const [, first, second] = frames;
      same(
        [first?.["type"], first?.["room"], second?.["type"], second?.["room"]],
        ["joined", room, "joined", small],
        "what follows welcome",
      );
      return `${count} messages, at most ${largest} bytes in a frame`;
    },
  },
  {
    name: "recent gives that many messages, also large ones",
    async run(context) {
      const room = context.unique();
      const { peer, welcome } = await context.member({ room });
      const size = Math.min(Math.floor(welcome["limits"].maxMessageBytes * 0.9), 60_000);
      await publish(peer, room, range(1, 25).map((n) => `${n} `.padEnd(size, "x")));
      const reader = await context.member({ room, recent: 20 });
      same(ids(reader.peer.frames, room), range(6, 25), "the ids");
      same(reader.joined["more"], true, "more");
      return `20 messages of ${size} characters`;
    },
  },
  {
    name: "history pages before and after an id, with more, also for those who are not in the room",
    async run(context) {
      const { room, epoch } = await roomOfTen(context);
      const { peer } = await context.v1({ rooms: [] });
      for (
        const [request, wanted, more] of [
          [{}, range(1, 10), false],
          [{ limit: 3 }, [8, 9, 10], true],
          [{ limit: 3, before: 5 }, [2, 3, 4], true],
          [{ limit: 3, before: 3 }, [1, 2], false],
          [{ limit: 3, after: 5 }, [6, 7, 8], true],
          [{ limit: 3, after: 8 }, [9, 10], false],
          [{ after: 10 }, [], false],
          [{ query: "7" }, [7], false],
        ] as const
      ) {
        const page = await peer.ask({ type: "history", room, ...request });
        const what = `history with ${JSON.stringify(request)}`;
        same(page["messages"].map(({ id }: JsonFrame) => id), wanted, what);
        same([page["more"], page["epoch"]], [more, epoch], `more and epoch of ${what}`);
      }
      return "8 pages";
    },
  },
];
