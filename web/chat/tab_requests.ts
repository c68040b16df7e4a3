import type { Action } from "../state/actions.ts";
import { roomOf } from "../state/threads.ts";
import type { ChatState } from "../state/types.ts";
import type { TabRequest } from "./tabs.ts";

/** The actions of a request, in the tab that makes it and in the one that carries it out. */
export function actionsOf(request: TabRequest, { threads }: ChatState): readonly Action[] {
  switch (request.do) {
    case "send": {
      const { key, name, pending } = request;
      if (threads.get(key)?.pending.some(({ ref }) => ref === pending.ref)) return [];
      const sending: Action = { type: "sending", key, pending };
      return roomOf(key) === undefined ? [{ type: "begin", key, name }, sending] : [sending];
    }
    case "begin":
      return [{ type: "begin", key: request.key, name: request.name }];
    case "discard":
      return [{ type: "discard", key: request.key, ref: request.ref }];
    case "join":
      return [{ type: "entering", room: request.position.room }];
    case "trust":
      return [{ type: "trust", key: request.key }];
    case "leave":
      return [{ type: "close", key: request.key }];
    default:
      return [];
  }
}
