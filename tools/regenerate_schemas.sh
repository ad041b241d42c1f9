#!/bin/sh
# Makes Sources/CSchemas from its .proto files with protoc-c (Debian: protobuf-c-compiler).
# --check: compares with what is committed and changes nothing; 1 when they differ.
set -eu
cd "$(dirname "$0")/../Sources/CSchemas"
command -v protoc-c >/dev/null || {
  echo "regenerate_schemas.sh: protoc-c not found; install protobuf-c-compiler" >&2
  exit 69
}
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
(cd protos && protoc-c --c_out="$fresh" ./*.proto)
status=0
for proto in protos/*.proto; do
  name=$(basename "$proto" .proto)
  if [ "${1:-}" = --check ]; then
    cmp "$fresh/$name.pb-c.h" "include/$name.pb-c.h" || status=1
    cmp "$fresh/$name.pb-c.c" "$name.pb-c.c" || status=1
  else
    mkdir -p include
    cp "$fresh/$name.pb-c.h" "include/$name.pb-c.h"
    cp "$fresh/$name.pb-c.c" "$name.pb-c.c"
  fi
done
exit $status
