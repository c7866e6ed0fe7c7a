#!/bin/sh
# python_install.sh REQUIREMENTS VERSIONS: a virtual environment in $PRONY_ENGINE_HOME with what the file pins, and a line of
# the versions that it got: VERSIONS is Python that prints it. Run again, it installs nothing.
set -eu
requirements=$1 versions=$2
venv=$PRONY_ENGINE_HOME/venv
if [ -e "$PRONY_ENGINE_HOME/version" ] && cmp -s "$requirements" "$PRONY_ENGINE_HOME/requirements.txt"; then
    exit 0
fi
python=$(command -v python3) || { echo "python3 is missing (Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
rm -f "$PRONY_ENGINE_HOME/version"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || {
    rm -rf "$venv"
    echo "python3 cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2
    exit 1
}
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
"$venv/bin/python" -c "$versions" >"$PRONY_ENGINE_HOME/version.new"
cp "$requirements" "$PRONY_ENGINE_HOME/requirements.txt"
mv "$PRONY_ENGINE_HOME/version.new" "$PRONY_ENGINE_HOME/version"
