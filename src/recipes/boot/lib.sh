# Sourced by recipe scripts: parameters, and one JSON line as the answer.

# param NAME: the value; a list has one item per line.
param() {
  [ -f "$UNDERSTUDY_PARAMS/$1" ] || return 1
  # No process starts for it: under emulation each costs 4 ms, and a script asks for several.
  while IFS= read -r item || [ -n "$item" ]; do printf '%s\n' "$item"; done <"$UNDERSTUDY_PARAMS/$1"
}

# json_text TEXT: sets JSON to the text as a JSON string. Bytes that JSON or a console could stumble over become "?".
json_text() {
  JSON="\"$1\""
  case $1 in *[!\ -~]* | *[\"\\]* | *\ ) ;; *) [ "${#1}" -gt 2000 ] || return 0 ;; esac
  JSON=$(printf '%s\n' "$1" | head -c 2000 | tr '\n\t\r' '   ' | tr -c ' -~' '?' |
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/ *$//' -e 's/^/"/' -e 's/$/"/')
}

FACTS=
# fact NAME VALUE: adds a fact whose value is text.
fact() {
  json_text "$1"
  FACTS="${FACTS:+$FACTS,}$JSON:"
  json_text "$2"
  FACTS="$FACTS$JSON"
}

# count NAME VALUE: adds a number, or null for anything that is none.
count() {
  case $2 in '' | *[!0-9]*) value=null ;; *) value=$2 ;; esac
  json_text "$1"
  FACTS="${FACTS:+$FACTS,}$JSON:$value"
}

yes() {
  printf '\n{"ok":true,"facts":{%s}}\n' "$FACTS"
  exit 0
}

no() {
  fact reason "$1"
  printf '\n{"ok":false,"facts":{%s}}\n' "$FACTS"
  exit 1
}

# find_tool NAME: PATH first, then where distributions put versioned PostgreSQL tools.
find_tool() {
  command -v "$1" 2>/dev/null && return 0
  for tool in /usr/lib/postgresql/*/bin/"$1" /usr/pgsql-*/bin/"$1" /opt/*/bin/"$1"; do
    if [ -x "$tool" ]; then
      echo "$tool"
      return 0
    fi
  done
  return 1
}
