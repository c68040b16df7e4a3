import type { AnyCommand } from "../cli/command.ts";
import type { CommandGroup } from "../cli/help.ts";
import { announce } from "./announce.ts";
import { backup } from "./backup.ts";
import { ban, unban } from "./ban.ts";
import { bans } from "./bans.ts";
import { bench } from "./bench.ts";
import { closeRoom, openRoom } from "./close_room.ts";
import { completeNames, completions } from "./completions.ts";
import { config } from "./config.ts";
import { connect } from "./connect.ts";
import { exec } from "./exec.ts";
import { help } from "./help.ts";
import { history } from "./history.ts";
import { kick } from "./kick.ts";
import { listen } from "./listen.ts";
import { mute, unmute } from "./mute.ts";
import { releaseName } from "./release_name.ts";
import { rooms } from "./rooms.ts";
import { send } from "./send.ts";
import { start } from "./start/start.ts";
import { status } from "./status.ts";
import { token } from "./token.ts";
import { version } from "./version.ts";
import { who } from "./who.ts";

/** Every command by its purpose, in the order of the help. A new one is a file and a line here. */
export const GROUPS: readonly CommandGroup[] = [
  { title: "Run a hub", commands: [start, backup(() => GROUPS), token, bench] },
  { title: "Chat", commands: [connect] },
  { title: "Scripting", commands: [send, listen, exec] },
  { title: "Inspect", commands: [history, who, rooms, status] },
  {
    title: "Moderation",
    commands: [kick, ban, unban, bans, mute, unmute, closeRoom, openRoom, announce, releaseName],
  },
  {
    title: "More",
    commands: [
      config(() => GROUPS),
      completions(() => GROUPS),
      completeNames(() => GROUPS),
      help(() => GROUPS),
      version,
    ],
  },
];

/** Every command. */
export const COMMANDS: readonly AnyCommand[] = GROUPS.flatMap(({ commands }) => commands);
