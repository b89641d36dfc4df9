#!/bin/sh
# Runs the runtime's own tests and one photo on an emulated 64-bit ARM (Cortex-A53, as in a Raspberry Pi 3 and Zero 2 W),
# and compares what it finds with what this machine finds. What is fetched is kept in build/edge. For Debian and its kin.
#
#     tools/edge/arm.sh MODEL.zip PHOTO PYTHON     PYTHON has numpy, onnxruntime and pillow
set -eu
model=$(realpath "$1") photo=$(realpath "$2") python=$(realpath -s "$3")
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$here/build/edge
mirror=${MIRROR:-http://deb.debian.org/debian}
wheels=python3.11  # of Debian 12, for which there are wheels

for tool in apt-get dpkg; do
    command -v $tool > /dev/null || { echo "make edge needs $tool: run it on Debian or a kin of it." >&2; exit 2; }
done
mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/parts" "$work/arm" "$work/site"
touch "$work/apt/state/status"

# An apt of its own, which knows nothing of this machine and installs nothing on it. Debian 12's qemu (7.2) dies when
# onnxruntime is imported; that of Debian 13 does not.
source() {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: %s\n' "$mirror" "$1" "$2"
    printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
}
{ source trixie amd64; source bookworm arm64; } > "$work/apt/parts/both.sources"
cat > "$work/apt/conf" <<END
Dir::State "$work/apt/state";
Dir::State::status "$work/apt/state/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::sourcelist "$work/apt/none";
Dir::Etc::sourceparts "$work/apt/parts";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Debug::NoLocking "1";
END
export APT_CONFIG="$work/apt/conf"

if [ ! -e "$work/complete" ]; then
    apt-get -q update
    (cd "$work/apt/cache" && apt-get -q download qemu-user && dpkg -x qemu-user_*.deb "$work/qemu")
    apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 --no-install-recommends --download-only \
        install $wheels:arm64 libstdc++6:arm64 libgcc-s1:arm64
    for package in "$work"/apt/cache/archives/*.deb; do dpkg -x "$package" "$work/arm"; done
    "$python" -m pip download -q -d "$work/wheels" -c "$here/constraints.txt" --platform manylinux_2_28_aarch64 \
        --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 --python-version 311 --only-binary=:all: \
        --no-deps numpy onnxruntime pillow flatbuffers protobuf
    for wheel in "$work"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$work/site"; done
    touch "$work/complete"
fi

# The same computation here first; then there, held to it.
unset APT_CONFIG
export OMP_NUM_THREADS=1
PYTHONPATH="$here/runtime/src" "$python" -m maskrcnn_runtime predict "$photo" "$model" --json --threads 1 \
    > "$work/expected.json"
arm() {
    "$work/qemu/usr/bin/qemu-aarch64" -L "$work/arm" -cpu cortex-a53 -E PYTHONPATH="$here/runtime/src:$work/site" \
        -E MASKRCNN_MODEL="$model" -E MASKRCNN_PHOTO="$photo" -E MASKRCNN_EXPECTED="$work/expected.json" \
        "$work/arm/usr/bin/$wheels" "$@"
}
arm -c 'import platform; print("emulated:", platform.machine())'
arm -m unittest discover -s "$here/runtime/tests" -t "$here/runtime/tests" -v
