# Sourced by recipe scripts: parameters, and one JSON line as the answer.

# param NAME: the value; a list has one item per line.
param() {
  cat "$UNDERSTUDY_PARAMS/$1" 2>/dev/null
}

# json_text: standard input as a JSON string. Bytes that JSON or a console could stumble over become "?".
json_text() {
  head -c 2000 | tr '\n\t\r' '   ' | tr -c ' -~' '?' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/ *$//' -e 's/^/"/' -e 's/$/"/'
}

FACTS=
# fact NAME VALUE: adds a fact whose value is text.
fact() {
  FACTS="${FACTS:+$FACTS,}$(printf '%s\n' "$1" | json_text):$(printf '%s\n' "$2" | json_text)"
}

# count NAME VALUE: adds a number, or null for anything that is none.
count() {
  case $2 in '' | *[!0-9]*) value=null ;; *) value=$2 ;; esac
  FACTS="${FACTS:+$FACTS,}$(printf '%s\n' "$1" | json_text):$value"
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
