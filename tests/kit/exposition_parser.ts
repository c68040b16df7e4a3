export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"/y;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);

/**
 * Parses Prometheus' text format 0.0.4, more strictly than Prometheus does: each family is in one
 * place, begins with HELP and TYPE, has no sample twice, and histograms add up.
 *
 * @throws {Error} with the invalid line.
 */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("The last line has no line feed");
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>();
  let current = "";
  let help: string | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, helpName, helpText] = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line) ?? [];
    const [, typeName, type] = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`)
      .exec(line) ?? [];
    if (helpName !== undefined) {
      if (families.has(helpName)) throw new Error(`A second family ${helpName}`);
      [current, help] = [helpName, helpText];
    } else if (typeName !== undefined && type !== undefined) {
      if (typeName !== current || help === undefined) throw new Error(`No HELP before: ${line}`);
      families.set(current, { type, help, samples: [] });
      help = undefined;
    } else {
      families.get(current)?.samples.push(parseSample(line, current, families.get(current)?.type));
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function parseSample(line: string, family: string, type: string | undefined): ParsedSample {
  const [, name = "", labelText, number = ""] = SAMPLE.exec(line) ?? [];
  const names = type === "histogram"
    ? [`${family}_bucket`, `${family}_sum`, `${family}_count`]
    : [family];
  if (!names.includes(name)) throw new Error(`Not a sample of ${family}: ${line}`);
  const value = number === "+Inf" ? Infinity : Number(number);
  if (Number.isNaN(value)) throw new Error(`Not a number: ${line}`);
  return { name, labels: parseLabels(labelText ?? "", line), value };
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    LABEL.lastIndex = at;
    const [whole, name, value] = LABEL.exec(text) ?? [];
    if (whole === undefined || name === undefined || value === undefined || name in labels) {
      throw new Error(`Not labels: ${line}`);
    }
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
    at += whole.length;
    if (at < text.length && text[at++] !== ",") throw new Error(`No comma: ${line}`);
  }
  return labels;
}

function checkFamily(name: string, { type, samples }: ParsedFamily): void {
  const keys = samples.map((sample) => JSON.stringify([sample.name, sample.labels]));
  if (new Set(keys).size !== keys.length) throw new Error(`${name} has a sample twice`);
  if (samples.length === 0) throw new Error(`${name} has no sample`);
  if (type === "counter" && samples.some(({ value }) => value < 0)) {
    throw new Error(`${name} is a counter below zero`);
  }
  if (type !== "histogram") return;
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => {
    return labels["le"] === "+Inf" ? Infinity : Number(labels["le"]);
  });
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  const ascending = (values: readonly number[]): boolean =>
    values.every((value, index) => index === 0 || value >= (values[index - 1] ?? 0));
  if (!ascending(bounds) || bounds.at(-1) !== Infinity) {
    throw new Error(`${name} has invalid bounds`);
  }
  if (!ascending(buckets.map(({ value }) => value)) || buckets.at(-1)?.value !== count) {
    throw new Error(`${name} does not add up`);
  }
}
