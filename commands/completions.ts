import { defineCommand } from "../cli/command.ts";
import { EXIT, UsageError } from "../cli/errors.ts";

// Each script asks `bcast __complete` (see complete.ts) for candidates, and quotes them: names come
// from other users, and a shell must never run any part of one.

const BASH = `# Completion of bcast for bash 3.2 or newer.
_bcast() {
  local program=\${1/#\\~\\//$HOME/} rest=\${COMP_LINE:0:COMP_POINT} words=() prefix= cur bare line i n=-1
  # Bash also splits words at = and :. Join what no blank separates, up to the cursor.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    bare=\${rest#"\${rest%%[![:space:]]*}"} line=\${COMP_WORDS[i]}
    if ((i == COMP_CWORD)); then line=$bare; fi
    if [[ $i == 0 || $bare != "$rest" ]]; then
      words[++n]=$line prefix=
    else
      prefix=\${words[n]} words[n]+=$line
      if [[ $line == [=:] ]]; then prefix=\${words[n]}; fi
    fi
    rest=\${bare#"$line"}
  done
  cur=\${words[n]#"$prefix"} COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :none) continue ;;
      :files) compopt -o default 2>/dev/null; continue ;;
      :dirs) compopt -o dirnames 2>/dev/null; continue ;;
    esac
    line=\${line%%$'\\t'*} line=\${line#"\${prefix//\\\\/}"}
    if [[ $cur != [\\"\\']* ]]; then
      printf -v line %q "$line"
    elif [[ $line == *[\\"\\'\\$\\\`\\\\!]* ]]; then
      continue # Nothing could make it harmless within the open quote.
    fi
    COMPREPLY+=("$line")
  done < <("$program" __complete --quoted -- "\${words[@]:1}" 2>/dev/null </dev/null)
}
complete -F _bcast bcast
`;

const ZSH = `#compdef bcast
# Completion of bcast for zsh.
_bcast() {
  local program=\${\${(Q)words[1]}/#\\~\\//$HOME/} line
  local -a lines described plain
  lines=("\${(@f)$("$program" __complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)}")
  for line in "\${(@)lines[1,-2]}"; do
    case $line in
      # Descriptions follow text of bcast itself only.
      *$'\\t'*) described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) plain+=("$line") ;;
    esac
  done
  case $lines[-1] in
    :files) compset -P '-*='; _files ;;
    :dirs) compset -P '-*='; _files -/ ;;
  esac
  (( $#described )) && _describe -t values bcast described
  # compadd quotes the names.
  (( $#plain )) && compadd -a plain
}
if [[ \${funcstack[1]} == _bcast ]]; then
  _bcast
elif (( $+functions[compdef] )); then
  compdef _bcast bcast
fi
`;

const FISH = `# Completion of bcast for fish 3.0 or newer.
function __bcast_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # Without quotes and escapes; the last quote may be open.
    set -l plain (string unescape -- $current; or string replace -r '^["\\']' '' -- $current)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l lines ($program __complete -- $words[2..-1] "$plain" 2>/dev/null </dev/null)
    set -l prefix (string match -r -- '^-.*?=' $current)
    set -l path (string replace -r -- '^-.*?=' '' $current)
    switch "$lines[-1]"
        case :files
            printf '%s\\n' "$prefix"(__fish_complete_path "$path")
        case :dirs
            printf '%s\\n' "$prefix"(__fish_complete_directories "$path")
        case :none
            set -e lines[-1]
            # fish quotes the names.
            set -q lines[1]; and printf '%s\\n' $lines
    end
end
complete -c bcast -f -a '(__bcast_complete)'
`;

const POWERSHELL = `# Completion of bcast for PowerShell 5.1 or newer.
Register-ArgumentCompleter -Native -CommandName bcast -ScriptBlock {
    param($word, $ast, $position)
    $arguments = @('__complete')
    # Windows PowerShell drops an empty argument.
    if ($word -eq '') { $arguments += '--new-word' }
    $arguments += '--'
    $ast.CommandElements | Select-Object -Skip 1 | ForEach-Object {
        if ($_.Extent.EndOffset -ge $position) { return }
        if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $arguments += $_.Value }
        else { $arguments += $_.Extent.Text }
    }
    if ($word -ne '') { $arguments += $word.Trim([char[]]@(34, 39)) }
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
        $lines = @(& $ast.CommandElements[0].Extent.Text @arguments 2>$null)
    } finally { [Console]::OutputEncoding = $encoding }
    # The last line is a directive; without candidates, PowerShell completes file names.
    $lines | Select-Object -SkipLast 1 | ForEach-Object {
        $value, $description = $_ -split "\`t", 2
        if (-not $description) { $description = $value }
        $text = $value
        if ($value -notmatch '^[\\w=./:-]+$') {
            $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($value) + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
}
`;

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
};

/** `bcast completions`. */
export const completions = defineCommand({
  name: "completions",
  summary: "Print a completion script for your shell",
  description:
    "The script completes commands, flags and their values, profiles, and the rooms and users of " +
    "the hub while it runs.\n\n" +
    "To install it, add to ~/.bashrc: source <(bcast completions bash); to ~/.zshrc, after " +
    "compinit: source <(bcast completions zsh); to ~/.config/fish/config.fish: bcast completions " +
    "fish | source; to your PowerShell $PROFILE: bcast completions powershell | Out-String | " +
    "Invoke-Expression.",
  positional: {
    placeholder: Object.keys(SCRIPTS).join("|"),
    help: "Your shell",
    required: true,
  },
  flags: {},
  examples: [
    ["source <(bcast completions bash)", "For this bash session; the same for zsh"],
    ["bcast completions fish | source", "For this fish session"],
  ],
  run: async ({ positional = "" }, { stdout }) => {
    const script = Object.hasOwn(SCRIPTS, positional) ? SCRIPTS[positional] : undefined;
    if (script === undefined) {
      throw new UsageError(
        `Name your shell: bcast completions ${Object.keys(SCRIPTS).join("|")}`,
      );
    }
    await stdout.write(script);
    return EXIT.done;
  },
});
