/** How this program was started, as far as it matters for telling somebody how to start it again. */
export interface Launch {
  /** Whether this is the one executable, not Deno running the sources. */
  readonly standalone: boolean;
  /** Where Deno itself is. */
  readonly execPath: string;
  readonly denoVersion: string;
}

/** The launch of this process. */
export function currentLaunch(): Launch {
  return {
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    denoVersion: Deno.version.deno,
  };
}

/** What to type to run the program: `bcast`, or Deno's task runner in a copy of the sources. */
export function programName({ standalone, execPath, denoVersion }: Launch): string {
  if (standalone) return "bcast";
  // npx keeps what it runs in a directory of its own that is not on the user's PATH.
  const viaNpx = /[\\/]_npx[\\/]/.test(execPath);
  return viaNpx ? `npx -y deno@${denoVersion} task` : "deno task";
}
