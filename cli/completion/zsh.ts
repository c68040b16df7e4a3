import { type CaseStyle, flagCases } from "./cases.ts";
import {
  type CompletedCommand,
  type CompletedFlag,
  type CompletedValues,
  type CompletionTable,
  firstWords,
  shellQuote,
} from "./table.ts";

const STYLE: CaseStyle = { or: "|", offering };

/** The script for zsh, to be sourced after `compinit` or kept in `fpath` as `_bcast`. */
export function zshCompletion(table: CompletionTable): string {
  const { commands, groups, globals } = table;
  return `#compdef bcast
# Completion of bcast for zsh. For this shell: source <(bcast completions zsh)
# For all: bcast completions zsh > a directory of your fpath, as _bcast

# Offers names that the hub tells, or the configuration file; nothing when there is any trouble.
_bcast_names() {
  local -a names
  names=("\${(@f)$("$program" complete-names $1 --line="$line" 2>/dev/null </dev/null)}")
  names=(\${names:#})
  # Quoted by compadd as the place where it goes needs it.
  (( $#names )) && compadd -a names
}

_bcast() {
  local program=\${\${(Q)words[1]}/#\\~\\//$HOME/} line="\${(j: :)words[1,CURRENT-1]}" command= at
  local cur=$words[CURRENT] prev=$words[CURRENT-1]
  local -a offers
  if [[ $cur == --*=* ]]; then
    prev=\${cur%%=*}
    compset -P '*='
  fi
  for ((at = 2; at < CURRENT; at++)); do
    case $words[at] in
      --) break ;;
      ${takingValue(globals)}) ((at++)) ;;
      -*) ;;
      *)
        command=$words[at]
        break ;;
    esac
  done
  case $command in
    ${groups.map(shellQuote).join("|")})
      for ((at++; at < CURRENT; at++)); do
        if [[ $words[at] != -* ]]; then
          command+=" $words[at]"
          break
        fi
      done ;;
  esac
  # What follows -- is somebody else's.
  if (( \${words[1,CURRENT-1][(I)--]} )); then
    _files
    return
  fi
  case $command in
    '')
      case $prev in
${flagCases(globals, 8, STYLE)}
      esac
      if [[ $cur == -* ]]; then
        offers=(${described(globals)} '--version:The version')
        _describe -o flag offers
      else
        offers=(${firstWords(table).map(({ name, summary }) => describe(name, summary)).join(" ")})
        _describe command offers
      fi ;;
${commands.map(commandCase).join("\n")}
  esac
}

if [[ \${funcstack[1]} == _bcast ]]; then
  _bcast
elif (( $+functions[compdef] )); then
  compdef _bcast bcast
fi
`;
}

function commandCase({ name, flags, argument }: CompletedCommand): string {
  return `    ${shellQuote(name)})
      case $prev in
${flagCases(flags, 8, STYLE)}
      esac
      if [[ $cur == -* ]]; then
        offers=(${described(flags)})
        _describe -o flag offers
      else
        ${offering(argument)}
      fi ;;`;
}

function offering(values: CompletedValues): string {
  switch (values.kind) {
    case "words":
      return `compadd -- ${values.words.map(shellQuote).join(" ")}`;
    case "files":
      return "_files";
    case "nothing":
      return "_message 'nothing to offer'";
    default:
      return `_bcast_names ${values.kind}`;
  }
}

function takingValue(flags: readonly CompletedFlag[]): string {
  return flags.filter(({ values }) => values !== undefined)
    .flatMap(({ name, short }) => short === undefined ? [name] : [name, short]).join("|");
}

function described(flags: readonly CompletedFlag[]): string {
  return flags.map(({ name, help }) => describe(name, help)).join(" ");
}

/** A word and what it is for, as `_describe` takes them. */
function describe(word: string, purpose: string): string {
  return shellQuote(`${word}:${purpose.replaceAll(/[\\:]/g, "\\$&")}`);
}
