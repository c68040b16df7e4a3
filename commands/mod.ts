import { type AnyCommand, type CommandSection, commandsIn } from "../cli/command.ts";
import { announce } from "./announce.ts";
import { backup } from "./backup.ts";
import { ban, unban } from "./ban.ts";
import { bans } from "./bans.ts";
import { bench } from "./bench.ts";
import { closeRoom, openRoom } from "./close_room.ts";
import { complete } from "./complete.ts";
import { completions } from "./completions.ts";
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

/** All commands, in the order of the help. */
export const SECTIONS: readonly CommandSection[] = [
  { title: "Run a hub", commands: [start, backup, token, bench] },
  { title: "Chat", commands: [connect] },
  { title: "Scripting", commands: [send, listen, exec] },
  { title: "Inspect", commands: [history, who, rooms, status] },
  {
    title: "Moderation",
    commands: [kick, ban, unban, bans, mute, unmute, closeRoom, openRoom, announce, releaseName],
  },
  { title: "More", commands: [config, completions, complete, help, version] },
];

export const COMMANDS: readonly AnyCommand[] = commandsIn(SECTIONS);
