import {
  type CompletedFlag,
  type CompletedValues,
  type CompletionTable,
  firstWords,
} from "./table.ts";

/** The script for fish, 3.0 or newer. */
export function fishCompletion(table: CompletionTable): string {
  const { commands, groups, globals } = table;
  const takingValue = globals.filter(({ values }) => values !== undefined)
    .flatMap(({ name, short }) => short === undefined ? [name] : [name, short]).join(" ");
  const lines = [
    ...firstWords(table).map(({ name, summary }) =>
      `complete -c bcast -n '__bcast_is ""' -a ${quote(name)} -d ${quote(summary)}`
    ),
    ...globals.map((flag) => flagLine(flag, "")),
    flagLine({ name: "--version", help: "The version" }, ""),
    ...commands.flatMap(({ name, flags, argument }) => [
      ...flags.map((flag) => flagLine(flag, name)),
      ...argument.kind === "words"
        ? [`complete -c bcast -n '__bcast_is "${name}"' -a ${quote(argument.words.join(" "))}`]
        : [],
    ]),
  ];
  return `# Completion of bcast for fish. For this shell: bcast completions fish | source
# For all: bcast completions fish > ~/.config/fish/completions/bcast.fish

# Names that the hub tells, or the configuration file; nothing when there is any trouble.
function __bcast_names
    set -l words (commandline -opc)
    set -l line (commandline -pc | string collect)
    $words[1] complete-names $argv[1] --line="$line" 2>/dev/null </dev/null
end

# Whether the command typed so far is the one named; "" before there is one.
function __bcast_is
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case ${takingValue}
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                set -l command $words[1]
                if contains -- $command ${groups.join(" ")}
                    for word in $words[2..-1]
                        string match -q -- '-*' $word; and continue
                        set command "$command $word"
                        break
                    end
                end
                test "$command" = "$argv[1]"
                return
        end
    end
    test -z "$argv[1]"
end

complete -c bcast -f
${lines.join("\n")}
`;
}

function flagLine({ name, short, help, values }: CompletedFlag, command: string): string {
  return [
    `complete -c bcast -n '__bcast_is "${command}"'`,
    `-l ${name.replace(/^--/, "")}`,
    ...short === undefined ? [] : [`-s ${short.replace(/^-/, "")}`],
    ...values === undefined ? [] : [taking(values)],
    `-d ${quote(help)}`,
  ].join(" ");
}

function taking(values: CompletedValues): string {
  switch (values.kind) {
    case "words":
      return `-x -a ${quote(values.words.join(" "))}`;
    case "files":
      return "-r -F";
    case "nothing":
      return "-x";
    default:
      return `-x -a '(__bcast_names ${values.kind})'`;
  }
}

/** `text` as one word of fish, where a backslash means something between single quotes too. */
function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
