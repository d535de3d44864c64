# Redis is here when its program is installed and a configured data folder exists.
. "$UNDERSTUDY_LIB"

server=$(find_tool redis-server) || server=$(find_tool valkey-server) || no "no redis-server is installed"
for directory in $(param dataDirectories); do
  if [ -d "$directory" ]; then
    fact program "$server"
    fact dataDirectory "$directory"
    yes
  fi
done
no "no data folder"
