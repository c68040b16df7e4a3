import type { AnyCommand } from "./command.ts";
import { UsageError } from "./errors.ts";

/** A word that comes before other commands: `bcast token mint`. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** By the word that follows the group's. */
  readonly commands: Readonly<Record<string, AnyCommand>>;
  readonly examples: AnyCommand["examples"];
}

/** Makes a group fit for the list of all commands. */
export function defineGroup(group: Group): AnyCommand {
  return {
    ...group,
    flags: {},
    execute: () => {
      const names = Object.keys(group.commands).join(", ");
      return Promise.reject(
        new UsageError(
          `bcast ${group.name} needs one of ${names}. See bcast ${group.name} --help`,
        ),
      );
    },
  };
}
