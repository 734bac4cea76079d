/** Shell scripts that call `syncq __complete`. */

type Shell = 'bash' | 'zsh' | 'fish' | 'powershell';

/** Bash splits words at = and :, so the whole line is passed, and the part before the last of them is removed. */
const BASH = `# syncq completion for bash. Add to ~/.bashrc:  eval "$(BIN completion bash)"
_BIN_complete() {
  local line="\${COMP_LINE:0:COMP_POINT}" word kept value rest
  COMPREPLY=()
  word="\${line##*[[:space:]]}"
  kept="\${word%"\${word##*[=:]}"}"
  while IFS=$'\\t' read -r value rest; do
    if [[ $value == :files ]]; then compopt -o default 2>/dev/null; continue; fi
    [[ -n $value ]] && COMPREPLY+=("$(printf '%q' "\${value#"$kept"}")")
  done < <("$1" __complete --line "$line" 2>/dev/null)
}
complete -F _BIN_complete BIN
`;

const ZSH = `#compdef BIN
# syncq completion for zsh. Either put this into a file _BIN on your $fpath, or add to ~/.zshrc:
#   eval "$(BIN completion zsh)"
_BIN() {
  local -a described
  local line value
  local -i files=0
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    value="\${line%%$'\\t'*}"
    if [[ $value == :files ]]; then files=1; continue; fi
    [[ -n $value ]] && described+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( \${#described} )) && _describe -V BIN described
  (( files )) && _files
}
if [[ "$funcstack[1]" == _BIN ]]; then _BIN "$@"; else compdef _BIN BIN; fi
`;

const FISH = `# syncq completion for fish. Save as ~/.config/fish/completions/BIN.fish
function __BIN_complete
    set -l typed (commandline -ct)
    set -l words (commandline -opc)
    for line in (BIN __complete -- $words[2..-1] "$typed" 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$typed"
        else
            printf '%s\\n' $line
        end
    end
end
complete -c BIN -f -a '(__BIN_complete)'
`;

const POWERSHELL = `# syncq completion for PowerShell. Add to $PROFILE:  BIN completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName BIN -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $line = $commandAst.ToString().PadRight($cursorPosition - $commandAst.Extent.StartOffset)
    BIN __complete --line $line 2>$null | ForEach-Object {
        $value, $description = $_ -split "\`t", 2
        if ($value -eq ':files') { return }
        if (-not $description) { $description = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
    }
}
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL };

/** @param bin name of the program */
export function completionScript(shell: Shell, bin: string): string {
  return SCRIPTS[shell].replaceAll('BIN', bin);
}
