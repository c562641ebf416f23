# Completion of docintake for bash: the program itself says what fits.
_docintake() {
  local rest=${COMP_LINE:0:COMP_POINT} words=() typed word help i offers=() helps=()
  # To readline --to=sandbox and after:decode are three words each; the program gets them as they were typed.
  for ((i = 0; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    typed=${rest#"${rest%%[![:space:]]*}"}
    if ((i > 0)) && [[ $typed == "$rest" ]]; then words[-1]+=$word; else words+=("$word"); fi
    rest=${typed#"$word"}
  done
  typed=${rest#"${rest%%[![:space:]]*}"}
  if [[ $typed == "$rest" ]]; then
    typed=${words[-1]}$typed
    unset 'words[-1]'
  fi
  # What readline replaces is the last piece alone.
  local lead=${typed%"$2"}
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) compopt -o filenames; mapfile -t -O "${#offers[@]}" offers < <(compgen -f -- "$2") ;;
      :folders) compopt -o filenames; mapfile -t -O "${#offers[@]}" offers < <(compgen -d -- "$2") ;;
      *) offers+=("${word#"$lead"}"); helps+=("$help") ;;
    esac
  done < <("${COMP_WORDS[0]/#\~/$HOME}" completion bash -- "${words[@]:1}" "$typed" 2>/dev/null)
  [[ ${offers[0]} == *= ]] && compopt -o nospace
  # Tab twice lists: there is room for the descriptions.
  if ((COMP_TYPE == 63 && ${#offers[@]} > 1)); then
    for i in "${!helps[@]}"; do
      printf -v word '%-24s  %s' "${offers[i]}" "${helps[i]}"
      [[ ${helps[i]} ]] && offers[i]=${word:0:${COLUMNS:-80}-2}
    done
  fi
  COMPREPLY=("${offers[@]}")
}
complete -F _docintake docintake
