/**
 * Tables and the file of results. Pure but for reading facts of the machine.
 *
 * @module
 */

import type { TargetName } from "./targets.ts";
import type { Figures } from "./run.ts";
import { type ReportColumn, SCENARIO, type ScenarioName } from "./scenarios.ts";

/** One scene played against one server once. */
export interface Round {
  readonly scene: ScenarioName;
  readonly peer: TargetName;
  /** Counts from 1. */
  readonly round: number;
  readonly figures?: Figures;
  /** Why there are none. */
  readonly error?: string;
}

/** How the hub compares with one peer by one figure: its figure over the peer's. */
export interface Ratio {
  readonly scene: ScenarioName;
  readonly peer: TargetName;
  readonly figure: string;
  readonly better: "more" | "less";
  /** Of each round: what ran at the same time of day is compared, whatever the machine did. */
  readonly rounds: readonly number[];
  readonly mean: number;
}

/** Facts that a reader of figures wants. */
export function machineFacts(): Readonly<Record<string, string | number>> {
  const cpu = /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
  return {
    cores: navigator.hardwareConcurrency,
    cpu: cpu ?? "unknown",
    memoryMegabytes: Math.round(Deno.systemMemoryInfo().total / 1024 / 1024),
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}

/** The ratios of the hub to each peer, for every figure that is compared. */
export function ratios(rounds: readonly Round[]): readonly Ratio[] {
  const found: Ratio[] = [];
  for (const scene of new Set(rounds.map((round) => round.scene))) {
    const played = rounds.filter((round) => round.scene === scene);
    for (const peer of new Set(played.map((round) => round.peer))) {
      if (peer === "bcast") continue;
      for (const { key, better } of SCENARIO[scene].columns) {
        if (better === undefined) continue;
        const each = played.filter((round) => round.peer === peer).flatMap((theirs) => {
          const ours = played.find((o) => o.peer === "bcast" && o.round === theirs.round);
          const a = ours?.figures?.[key], b = theirs.figures?.[key];
          return a === undefined || b === undefined || b === 0 ? [] : [a / b];
        });
        if (each.length === 0) continue;
        found.push({ scene, peer, figure: key, better, rounds: each, mean: mean(each) });
      }
    }
  }
  return found;
}

/** The table of one scene: a line for each server, the mean of its rounds, and the ratios. */
export function table(
  scene: ScenarioName,
  rounds: readonly Round[],
  titles: ReadonlyMap<TargetName, string>,
): string {
  const { columns, description } = SCENARIO[scene];
  const all = ratios(rounds).filter((ratio) => ratio.scene === scene);
  const compared = columns.filter((column) => column.better !== undefined);
  const head = [
    "",
    ...columns.map((column) => column.title),
    ...compared.map((column) => `bcast/it: ${column.title}`),
  ];
  const peers = [...new Set(rounds.filter((r) => r.scene === scene).map((round) => round.peer))];
  const lines = peers.map((peer) => {
    const mine = rounds.filter((round) => round.scene === scene && round.peer === peer);
    const cells = columns.map((column) => cell(column, mine));
    const compare = compared.map(({ key }) => {
      const ratio = all.find((r) => r.peer === peer && r.figure === key);
      return ratio === undefined
        ? ""
        : `${ratio.mean.toFixed(2)} (${ratio.rounds.map((value) => value.toFixed(2)).join(", ")})`;
    });
    return [titles.get(peer) ?? peer, ...cells, ...compare];
  });
  const errors = rounds.filter((round) => round.scene === scene && round.error !== undefined)
    .map(({ peer, round, error }) => `  ${peer}, round ${round}: ${error}`);
  return [`${scene}: ${description}`, ...align([head, ...lines]), ...errors].join("\n");
}

/** The mean of what the rounds say, and all of them where they differ by more than a tenth. */
function cell({ key, digits }: ReportColumn, rounds: readonly Round[]): string {
  const values = rounds.flatMap((round) => round.figures?.[key] ?? []);
  if (values.length === 0) return "-";
  const show = (value: number): string =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const spread = Math.max(...values) - Math.min(...values);
  const average = mean(values);
  if (spread <= Math.abs(average) / 10) return show(average);
  return `${show(average)} (${values.map(show).join(", ")})`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((text, i) => widths[i] = Math.max(widths[i] ?? 0, text.length));
  }
  return rows.map((row) =>
    "  " +
    row.map((text, i) => i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))
      .join("  ")
  );
}
