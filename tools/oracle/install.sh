#!/usr/bin/env bash
# Install the pinned peers we compare with (onnxruntime, torch, openvino, ...) into .cache/oracle.
# Some 2 GB; neither building nor tools/test needs it.
#
# usage: tools/oracle/install.sh
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
venv=$here/../../.cache/oracle
torch_index=https://download.pytorch.org/whl/cpu

[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
pip() { "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }

pip --extra-index-url "$torch_index" torch==2.13.0+cpu
# Without its dependencies: the wheel of the public index asks for the CUDA build of torch.
# Where only that wheel can be had, tools/oracle/export_zoo.py works around it.
pip --no-deps --extra-index-url "$torch_index" torchvision==0.28.0+cpu 2>/dev/null ||
  pip --no-deps torchvision==0.28.0
pip -r "$here/requirements.txt"
printf 'installed: %s\n' "$venv/bin/python" >&2
