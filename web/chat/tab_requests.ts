import type { Action } from "../state/reduce.ts";
import { roomOf } from "../state/threads.ts";
import type { ChatState } from "../state/types.ts";
import type { TabRequest } from "./tabs.ts";

/** What `order` is in the tab that gives it, or carries it out. */
export function actionsOf(order: TabRequest, { threads }: ChatState): readonly Action[] {
  switch (order.do) {
    case "send": {
      const { key, name, pending } = order;
      if (threads.get(key)?.pending.some(({ ref }) => ref === pending.ref)) return [];
      const begin: readonly Action[] = roomOf(key) === undefined
        ? [{ type: "begin", key, name }]
        : [];
      return [...begin, { type: "sending", key, pending }];
    }
    case "begin":
      return [{ type: "begin", key: order.key, name: order.name }];
    case "discard":
      return [{ type: "discard", key: order.key, ref: order.ref }];
    case "join":
      return [{ type: "entering", room: order.position.room }];
    case "trust":
      return [{ type: "trust", key: order.key }];
    case "leave":
      return [{ type: "close", key: order.key }];
    default:
      return [];
  }
}
