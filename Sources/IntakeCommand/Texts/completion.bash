_docintake() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""
  local first="${COMP_WORDS[1]}" both="${COMP_WORDS[1]} ${COMP_WORDS[2]}"
  # To bash, --to=sandbox is three words.
  [ "$word" = "=" ] && word=""
  [ "$before" = "=" ] && before="${COMP_WORDS[COMP_CWORD-2]}"
  case "$before" in
__VALUES__
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="__COMMANDS__ help --help --version"
  elif [ "$first" = help ]; then words="__COMMANDS__"
  elif [[ "$word" != -* ]]; then
    [ "$COMP_CWORD" -eq 2 ] && case "$first" in
__GROUPS__
    esac
    [ -z "$words" ] && case "$both" in
__ARGUMENTS_2__
    esac
    [ -z "$words" ] && case "$first" in
__ARGUMENTS_1__
    esac
    [ -z "$words" ] && { COMPREPLY=($(compgen -f -- "$word")); return; }
  else
    case "$both" in
__OPTIONS_2__
    esac
    [ -z "$words" ] && case "$first" in
__OPTIONS_1__
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o filenames -F _docintake docintake
