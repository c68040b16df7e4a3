/**
 * Makes `docs/terminal.svg` for the README: a real conversation in a real terminal (tmux), as it
 * stands on the screen. Usage: `deno task picture`.
 */
import { Program, programCommand, startHubProcess } from "../tests/kit/process.ts";
import { Tmux } from "../tests/kit/tmux.ts";

const COLUMNS = 78;
const ROWS = 9;
const CELL = { width: 8.4, height: 18 };
const PADDING = 14;

// The 16 colours of a dark terminal, by their number in SGR 30 to 37 and 90 to 97 (ECMA-48).
const PALETTE = "#1b1f27 #e06c75 #8cc265 #d5b06b #5ea8f2 #c678dd #42b3c2 #c8ccd4".split(" ");
const BRIGHT = "#7f8696 #ff7b86 #a5e075 #f0c674 #80bfff #de92f5 #5fd3e0 #ffffff".split(" ");
const BACKGROUND = "#14171d";
const FOREGROUND = "#d7dae0";

interface Style {
  color: string;
  bold: boolean;
  dim: boolean;
}

/** Applies the numbers of one SGR sequence. */
function restyle(style: Style, numbers: readonly number[]): Style {
  const next = { ...style };
  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index] ?? 0;
    if (number === 0) Object.assign(next, { color: FOREGROUND, bold: false, dim: false });
    else if (number === 1) next.bold = true;
    else if (number === 2) next.dim = true;
    else if (number === 22) next.bold = next.dim = false;
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

/** A screen with its SGR sequences as a picture. */
export function toSvg(screen: string): string {
  const lines = screen.split("\n").slice(0, ROWS);
  let style: Style = { color: FOREGROUND, bold: false, dim: false };
  const rows = lines.map((line, row) => {
    const y = PADDING + (row + 0.75) * CELL.height;
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
      if (part === "") continue;
      const x = (PADDING + column * CELL.width).toFixed(1);
      const weight = style.bold ? ' font-weight="bold"' : "";
      const opacity = style.dim ? ' opacity="0.6"' : "";
      spans.push(
        `<text x="${x}" y="${y}" fill="${style.color}"${weight}${opacity}>${escape(part)}</text>`,
      );
      column += [...part].length;
    }
    return spans.join("");
  });
  const width = Math.ceil(2 * PADDING + COLUMNS * CELL.width);
  const height = Math.ceil(2 * PADDING + ROWS * CELL.height);
  const font = 'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14"';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${font}>
<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>
<g xml:space="preserve">
${rows.filter((row) => row !== "").join("\n")}
</g>
</svg>
`;
}

async function say(url: string, name: string, text: string): Promise<void> {
  await using program = new Program(["connect", url, "--name", name]);
  await program.type(text + "\n", { end: true });
  await program.exit();
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  const { program, url } = await startHubProcess(["--memory"]);
  await using _hub = program;
  await using bob = new Program(["connect", url, "--name", "Bob"]);
  await bob.type("anybody here?\n");
  await using terminal = await Tmux.open({
    columns: COLUMNS,
    rows: ROWS,
    env: { HOME: folder, XDG_DATA_HOME: folder, TERM: "xterm-256color" },
  });
  const command = programCommand().map((word) => `'${word}'`).join(" ");
  await terminal.type(`clear; ${command} connect ${url} --name Alice`);
  await terminal.press("Enter");
  await terminal.shows(/Alice>/);
  await terminal.type("hello Bob, the build is nearly done");
  await terminal.press("Enter");
  await terminal.shows(/Alice: hello Bob/);
  await bob.type("good: I am waiting for it\n");
  await say(url, "ci", "build is green: 572 passed, 0 failed");
  await terminal.shows(/ci: build is green/);
  await bob.type("then let us ship it\n");
  await terminal.shows(/ship it/);
  await terminal.type("this line stays whole while oth");
  await terminal.shows(/while oth/);
  const screen = await terminal.colors();
  await Deno.writeTextFile(new URL("terminal.svg", import.meta.url), toSvg(screen));
  await Deno.remove(folder, { recursive: true });
}
