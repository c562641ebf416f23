#compdef docintake
# Completion of docintake for zsh: the program itself says what fits.
_docintake() {
  local -a offers open
  local line word help names
  for line in ${(f)"$(${(Q)words[1]/#\~/$HOME} completion zsh -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)"}; do
    word=${line%%$'\t'*} help=${line#*$'\t'}
    case $word in
      (:*) names=$word ;;
      # Behind an equals sign the value follows at once.
      (*=) open+=("${word//:/\\:}${help:+:$help}") ;;
      (*) offers+=("${word//:/\\:}${help:+:$help}") ;;
    esac
  done
  local ret=1
  (( $#offers )) && _describe -V docintake offers && ret=0
  (( $#open )) && _describe -V docintake open -S '' && ret=0
  [[ -n $names && $PREFIX == --*=* ]] && compset -P '*='
  case $names in
    (:files) _files && ret=0 ;;
    (:folders) _files -/ && ret=0 ;;
  esac
  return ret
}
if [[ $funcstack[1] == _docintake ]]; then _docintake "$@"; else compdef _docintake docintake; fi
