/**
 * Draws `docs/terminal.svg` for the README: a chat in a real terminal (tmux). Usage: `deno task picture`.
 */
import { connect } from "../client.ts";
import { displayWidth } from "../render/width.ts";
import { temporaryFolder } from "../tests/kit/folder.ts";
import { programCommand, startHubProcess } from "../tests/kit/process.ts";
import { Tmux } from "../tests/kit/tmux.ts";
import { until } from "../tests/kit/wait.ts";

const COLUMNS = 78;
const ROWS = 10;
const CELL = { width: 8.4, height: 19 };
const PADDING = 16;
/** Height of the bar above the text. */
const BAR = 30;

// The 16 colours of a dark terminal, by their number in SGR 30 to 37 and 90 to 97 (ECMA-48).
const PALETTE = "#1b1f27 #e06c75 #8cc265 #d5b06b #5ea8f2 #c678dd #42b3c2 #c8ccd4".split(" ");
const BRIGHT = "#7f8696 #ff7b86 #a5e075 #f0c674 #80bfff #de92f5 #5fd3e0 #ffffff".split(" ");
const BACKGROUND = "#14171d";
const BAR_BACKGROUND = "#20252e";
const FOREGROUND = "#d7dae0";
const BUTTONS = ["#e06c75", "#d5b06b", "#8cc265"];

interface Style {
  color: string;
  bold: boolean;
  dim: boolean;
  inverse: boolean;
}

const PLAIN: Style = { color: FOREGROUND, bold: false, dim: false, inverse: false };

/** Applies the parameters of one SGR sequence. */
function restyle(style: Style, numbers: readonly number[]): Style {
  const next = { ...style };
  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index] ?? 0;
    if (number === 0) Object.assign(next, PLAIN);
    else if (number === 1) next.bold = true;
    else if (number === 2) next.dim = true;
    else if (number === 7) next.inverse = true;
    else if (number === 22) next.bold = next.dim = false;
    else if (number === 27) next.inverse = false;
    else if (number >= 30 && number <= 37) next.color = PALETTE[number - 30] ?? FOREGROUND;
    else if (number >= 90 && number <= 97) next.color = BRIGHT[number - 90] ?? FOREGROUND;
    else if (number === 39) next.color = FOREGROUND;
    else if (number === 38 && numbers[index + 1] === 5) {
      next.color = color256(numbers[index + 2] ?? 7);
      index += 2;
    }
  }
  return next;
}

/** One of xterm's 256 colours. */
function color256(number: number): string {
  if (number < 8) return PALETTE[number] ?? FOREGROUND;
  if (number < 16) return BRIGHT[number - 8] ?? FOREGROUND;
  if (number >= 232) return gray(8 + 10 * (number - 232));
  const level = (part: number): number => part === 0 ? 0 : 55 + 40 * part;
  const cube = number - 16;
  const parts = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level);
  return `rgb(${parts.join(",")})`;
}

const gray = (value: number): string => `rgb(${value},${value},${value})`;

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Draws a screen with SGR sequences, and the cursor. */
export function toSvg(
  screen: string,
  cursor: { readonly column: number; readonly row: number },
): string {
  let style = PLAIN;
  const rows = screen.split("\n").slice(0, ROWS).map((line, row) => {
    let column = 0;
    const spans: string[] = [];
    // deno-lint-ignore no-control-regex -- ESC begins the sequences that are looked for
    for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
      // deno-lint-ignore no-control-regex -- as above
      const sequence = /^\u001b\[([0-9;]*)m$/.exec(part);
      if (sequence !== null) {
        style = restyle(style, (sequence[1] ?? "").split(";").map(Number));
        continue;
      }
      spans.push(...span(part, style, column, row));
      column += displayWidth(part);
    }
    return spans.join("");
  });
  const width = Math.ceil(2 * PADDING + COLUMNS * CELL.width);
  const height = Math.ceil(BAR + 2 * PADDING + ROWS * CELL.height);
  const font = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14"';
  const buttons = BUTTONS.map((color, at) =>
    `<circle cx="${PADDING + 6 + 20 * at}" cy="${BAR / 2}" r="6" fill="${color}"/>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${font}>
<rect width="100%" height="100%" rx="10" fill="${BACKGROUND}"/>
<path d="M0 ${BAR}V10a10 10 0 0 1 10-10H${width - 10}a10 10 0 0 1 10 10V${BAR}Z" \
fill="${BAR_BACKGROUND}"/>
${buttons.join("")}
<text x="${width / 2}" y="${BAR / 2 + 4.5}" text-anchor="middle" font-size="13" \
fill="${FOREGROUND}" opacity="0.7">bcast connect</text>
<g xml:space="preserve">
${rows.filter((row) => row !== "").join("\n")}
</g>
${box(cursor.column, cursor.row, 1, FOREGROUND)}
</svg>
`;
}

function span(text: string, style: Style, column: number, row: number): string[] {
  if (text.trim() === "") return [];
  const { bold, dim, inverse } = style;
  const x = (PADDING + column * CELL.width).toFixed(1);
  const y = (BAR + PADDING + (row + 0.75) * CELL.height).toFixed(1);
  const columns = displayWidth(text);
  // Keeps every character in its column with any font.
  const length = `textLength="${(columns * CELL.width).toFixed(1)}"`;
  const look = (bold ? ' font-weight="bold"' : "") + (dim ? ' opacity="0.6"' : "");
  const fill = inverse ? BACKGROUND : style.color;
  return [
    ...inverse ? [box(column, row, columns, style.color)] : [],
    `<text x="${x}" y="${y}" ${length} fill="${fill}"${look}>${escape(text)}</text>`,
  ];
}

/** The background of cells. */
function box(column: number, row: number, columns: number, color: string): string {
  const x = (PADDING + column * CELL.width).toFixed(1);
  const y = (BAR + PADDING + row * CELL.height).toFixed(1);
  const width = (columns * CELL.width).toFixed(1);
  return `<rect x="${x}" y="${y}" width="${width}" height="${CELL.height}" fill="${color}"/>`;
}

/** Runs a chat of four clients, and draws its screen. */
async function draw(): Promise<string> {
  await using folder = await temporaryFolder();
  const { program, url } = await startHubProcess(["--memory"]);
  await using _hub = program;
  const rooms = [{ room: "lobby" }, { room: "ops" }];
  await using bob = connect({ url, sender: "Bob", rooms, echo: false });
  await using carol = connect({ url, sender: "Carol", rooms, echo: false });
  await using ci = connect({ url, sender: "ci", rooms, echo: false });
  const others = [bob, carol, ci];
  await until("the others", () => others.every(({ state }) => state === "online"));
  await using terminal = await Tmux.open({
    columns: COLUMNS,
    rows: ROWS,
    env: {
      HOME: folder.path,
      XDG_DATA_HOME: folder.path,
      TERM: "xterm-256color",
      COLORFGBG: "15;0",
      NO_COLOR: "",
    },
  });
  const words = [...programCommand(), "connect", url, "--name", "Alice"];
  const flags = ["--room", "lobby", "--room", "ops"];
  await terminal.type(`clear; ${[...words, ...flags].map((word) => `'${word}'`).join(" ")}`);
  await terminal.press("Enter");
  await terminal.shows(/^\[lobby\] Alice>$/m);
  await bob.send({ room: "lobby", message: "good morning! is 1.4 ready?" });
  await terminal.shows(/is 1.4 ready/);
  await terminal.type("nearly, the build is running");
  await terminal.press("Enter");
  await terminal.shows(/Alice: nearly/);
  await carol.send({ room: "lobby", kind: "action", message: "crosses her fingers" });
  await ci.send({ room: "lobby", message: "build 1.4 is green: 1,204 passed, 0 failed" });
  await bob.send({ room: "lobby", message: "well done, Alice, then let us ship it" });
  await carol.direct("Alice", { message: "cake at three?" });
  for (const stage of ["test", "staging", "production"]) {
    await ci.send({ room: "ops", message: `1.4 goes to ${stage}` });
  }
  await terminal.type("this line stays whole while oth");
  bob.typing("lobby", true);
  await terminal.shows(/2:ops 3 unread.*Bob is typing…\n.* while oth$/);
  const [text, column, row] = [
    await terminal.colors(),
    await terminal.column(),
    await terminal.row(),
  ];
  return toSvg(text, { column, row });
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("terminal.svg", import.meta.url), await draw());
}
