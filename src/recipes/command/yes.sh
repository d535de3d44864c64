# For what a command recipe does not say by a script of its own.
. "$UNDERSTUDY_LIB"
yes
