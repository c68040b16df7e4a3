import { closedRoomMessage } from "./moderation/sanction_messages.ts";
import type { Moderation } from "./moderation/moderation.ts";
import type { Connection, Session } from "./connection.ts";
import type { Refusal } from "./refusal.ts";
import type { RoomLimiter } from "./limits/room_limiter.ts";
import type { ServerLimits } from "./limits/server_limits.ts";
import type { Room } from "./room.ts";
import type { RoomMembership } from "./room_membership.ts";

export interface RoomAdmissionOptions {
  readonly limits: Pick<ServerLimits, "maxRooms">;
  readonly moderation: Moderation;
  readonly rooms: RoomMembership;
  readonly roomLimiter: RoomLimiter;
}

/** Decides who may enter a room. */
export class RoomAdmission {
  constructor(private readonly options: RoomAdmissionOptions) {}

  /**
   * Makes `session` a member of a room, if its token, the moderators and the limits permit that.
   * Returns the room or why not; `undefined` if the client has gone.
   *
   * @param joined the number of other rooms that the session is in.
   */
  async enter(
    connection: Connection,
    session: Session,
    room: string,
    joined: number,
  ): Promise<Room | Refusal | undefined> {
    const { limits, roomLimiter, moderation, rooms } = this.options;
    const about = { re: "join" as const, room };
    const closed = (): Refusal | undefined => {
      const closure = moderation.closedRoom(room);
      if (closure === undefined) return undefined;
      return { code: "forbidden", message: closedRoomMessage(closure), ...about };
    };
    if (!session.grant.rights.mayRead(room)) return { ...refusedToRead(room), ...about };
    const closure = closed();
    if (closure !== undefined) return closure;
    if (joined >= limits.maxRooms) {
      const message = `You may be in ${limits.maxRooms} rooms: leave one first`;
      return { code: "too_many_rooms", message, ...about };
    }
    const refusal = await roomLimiter.admit(room, connection.network);
    if (refusal !== undefined) return { ...refusal, ...about };
    const entered = await rooms.enter(session, room);
    if (entered === undefined || !connection.open) return undefined;
    // Closed before the session had entered.
    const closedMeanwhile = closed();
    if (closedMeanwhile !== undefined) rooms.leave(session, room);
    return closedMeanwhile ?? entered;
  }
}

/** The error does not reveal whether the room exists. */
export function refusedToRead(room: string): Pick<Refusal, "code" | "message"> {
  const message = `Your token does not let you into ${room}: ask for one that does`;
  return { code: "forbidden", message };
}
