/**
 * Tables and results. Pure, except for reading facts about the machine.
 *
 * @module
 */

import type { TargetName } from "./targets.ts";
import type { Figures } from "./run.ts";
import { type ReportColumn, type ScenarioName, SCENARIOS } from "./scenarios.ts";

/** One run of a scenario against a server. */
export interface Round {
  readonly scenario: ScenarioName;
  readonly target: TargetName;
  /** Starts at 1. */
  readonly round: number;
  readonly figures?: Figures;
  /** Set instead of `figures` if the run failed. */
  readonly error?: string;
}

/** A figure of the hub divided by that of another server. */
interface Ratio {
  readonly scenario: ScenarioName;
  readonly target: TargetName;
  readonly figure: string;
  readonly better: "more" | "less";
  /** One per round: runs close in time are compared, in case the machine's speed varies. */
  readonly rounds: readonly number[];
  readonly mean: number;
}

/** The machine's hardware and versions. */
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

/** The ratios of all figures that are compared. */
export function ratios(rounds: readonly Round[]): readonly Ratio[] {
  const found: Ratio[] = [];
  for (const scenario of new Set(rounds.map((round) => round.scenario))) {
    const played = rounds.filter((round) => round.scenario === scenario);
    for (const target of new Set(played.map((round) => round.target))) {
      if (target === "bcast") continue;
      for (const { key, better } of SCENARIOS[scenario].columns) {
        if (better === undefined) continue;
        const each = played.filter((round) => round.target === target).flatMap((theirs) => {
          const ours = played.find((o) => o.target === "bcast" && o.round === theirs.round);
          const a = ours?.figures?.[key], b = theirs.figures?.[key];
          return a === undefined || b === undefined || b === 0 ? [] : [a / b];
        });
        if (each.length === 0) continue;
        found.push({ scenario, target, figure: key, better, rounds: each, mean: mean(each) });
      }
    }
  }
  return found;
}

/** The table of a scenario: per server, the mean of its rounds and the ratios. */
export function table(
  scenario: ScenarioName,
  rounds: readonly Round[],
  titles: ReadonlyMap<TargetName, string>,
): string {
  const { columns, description } = SCENARIOS[scenario];
  const all = ratios(rounds).filter((ratio) => ratio.scenario === scenario);
  const compared = columns.filter((column) => column.better !== undefined);
  const head = [
    "",
    ...columns.map((column) => column.title),
    ...compared.map((column) => `bcast/it: ${column.title}`),
  ];
  const targets = [
    ...new Set(rounds.filter((r) => r.scenario === scenario).map((round) => round.target)),
  ];
  const lines = targets.map((target) => {
    const mine = rounds.filter((round) => round.scenario === scenario && round.target === target);
    const cells = columns.map((column) => cell(column, mine));
    const compare = compared.map(({ key }) => {
      const ratio = all.find((r) => r.target === target && r.figure === key);
      return ratio === undefined
        ? ""
        : `${ratio.mean.toFixed(2)} (${ratio.rounds.map((value) => value.toFixed(2)).join(", ")})`;
    });
    return [titles.get(target) ?? target, ...cells, ...compare];
  });
  const errors = rounds.filter((round) => round.scenario === scenario && round.error !== undefined)
    .map(({ target, round, error }) => `  ${target}, round ${round}: ${error}`);
  return [`${scenario}: ${description}`, ...align([head, ...lines]), ...errors].join("\n");
}

/** The mean, followed by all values if they differ by more than a tenth. */
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
