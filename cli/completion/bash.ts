import { type CaseStyle, flagCases } from "./cases.ts";
import {
  type CompletedCommand,
  type CompletedFlag,
  type CompletedValues,
  type CompletionTable,
  firstWords,
  shellQuote,
} from "./table.ts";

const STYLE: CaseStyle = { or: " | ", offering };

/** The script for bash, 3.2 (that of macOS) or newer. */
export function bashCompletion(table: CompletionTable): string {
  const { commands, groups, globals } = table;
  return `# Completion of bcast for bash. For this shell: source <(bcast completions bash)
# For all: bcast completions bash > ~/.local/share/bash-completion/completions/bcast

# Offers those of its words that begin with what was typed.
_bcast_offer() {
  local word quoted bare
  case $cur in
    [\\"\\']*)
      # A quote is open, and what is offered goes in as it is: nothing that a shell would read there.
      bare=\${cur:1}
      for word; do
        if [[ $word == "$bare"* && $word != *[\\"\\'\\$\\\`\\\\!]* ]]; then COMPREPLY+=("$word"); fi
      done ;;
    *)
      bare=\${cur//\\\\/}
      for word; do
        if [[ $word == "$bare"* ]]; then
          printf -v quoted %q "$word"
          COMPREPLY+=("$quoted")
        fi
      done ;;
  esac
}

# Offers names that the hub tells, or the configuration file; nothing when there is any trouble.
_bcast_names() {
  local name names=()
  while IFS= read -r name; do names+=("$name"); done < <(
    "$program" complete-names "$1" --line="$line" 2>/dev/null </dev/null
  )
  if ((\${#names[@]})); then _bcast_offer "\${names[@]}"; fi
}

_bcast_files() {
  compopt -o default 2>/dev/null
}

_bcast() {
  local program=\${1/#\\~\\//$HOME/} line=\${COMP_LINE:0:COMP_POINT} command= at
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # To bash, the = of --room=x is a word of its own.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      --) break ;;
      ${takingValue(globals)})
        ((at++))
        if [[ \${COMP_WORDS[at]-} == = ]]; then ((at++)); fi ;;
      -*) ;;
      *)
        command=\${COMP_WORDS[at]}
        break ;;
    esac
  done
  case $command in
    ${groups.map(shellQuote).join(" | ")})
      for ((at++; at < COMP_CWORD; at++)); do
        case \${COMP_WORDS[at]} in
          -*) ;;
          *)
            command="$command \${COMP_WORDS[at]}"
            break ;;
        esac
      done ;;
  esac
  for ((at++; at < COMP_CWORD; at++)); do
    # What follows is somebody else's.
    if [[ \${COMP_WORDS[at]} == -- ]]; then
      _bcast_files
      return
    fi
  done
  case $command in
    '')
      case $prev in
${flagCases(globals, 8, STYLE)}
      esac
      _bcast_offer ${
    words([...firstWords(table).map(({ name }) => name), ...names(globals), "--version"])
  } ;;
${commands.map(commandCase).join("\n")}
  esac
}

complete -F _bcast bcast
`;
}

function commandCase({ name, flags, argument }: CompletedCommand): string {
  const offer = offering(argument);
  return `    ${shellQuote(name)})
      case $prev in
${flagCases(flags, 8, STYLE)}
      esac
      case $cur in
        -*) _bcast_offer ${words(names(flags))} ;;
        *) ${offer} ;;
      esac ;;`;
}

function offering(values: CompletedValues): string {
  switch (values.kind) {
    case "words":
      return `_bcast_offer ${words(values.words)}`;
    case "files":
      return "_bcast_files";
    case "nothing":
      return ":";
    default:
      return `_bcast_names ${values.kind}`;
  }
}

function takingValue(flags: readonly CompletedFlag[]): string {
  return names(flags.filter(({ values }) => values !== undefined)).join(" | ");
}

function names(flags: readonly CompletedFlag[]): readonly string[] {
  return flags.flatMap(({ name, short }) => short === undefined ? [name] : [name, short]);
}

function words(list: readonly string[]): string {
  return list.map(shellQuote).join(" ");
}
