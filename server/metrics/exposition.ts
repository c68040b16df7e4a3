import type { Histogram } from "./counters.ts";

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The value of a metric; `undefined` if this hub does not have it. */
export type MetricReading = number | readonly MetricSample[] | Histogram | undefined;

export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly reading: MetricReading;
}

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Formats metrics in the text format 0.0.4 of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function exposition(families: readonly Family[]): string {
  return families.filter(({ reading }) => reading !== undefined).map(familyText).join("");
}

function familyText({ name, type, help, reading }: Family): string {
  const head = `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n` +
    `# TYPE ${name} ${type}\n`;
  return head + lines(name, reading).join("\n") + "\n";
}

function lines(name: string, reading: MetricReading): readonly string[] {
  if (reading === undefined) return [];
  if (typeof reading === "number") return [`${name} ${number(reading)}`];
  if ("counts" in reading) return histogramLines(name, reading);
  return reading.map(({ labels, value }) => `${name}${labelText(labels)} ${number(value)}`);
}

function histogramLines(name: string, { bounds, counts, sum }: Histogram): readonly string[] {
  let count = 0;
  const buckets = counts.map((own, index) => {
    count += own;
    return `${name}_bucket${labelText({ le: number(bounds[index] ?? Infinity) })} ${count}`;
  });
  return [...buckets, `${name}_sum ${number(sum)}`, `${name}_count ${count}`];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
