#!/usr/bin/env bash
# Finds a Python and hands over to modules/bootstrap.py, which sets up the virtual environment and starts webui.py in it.
# A file webui-user.sh beside this one may set COMMANDLINE_ARGS, python_cmd, venv_dir, TORCH_COMMAND and any other variable.

cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

if [ -f webui-user.sh ]; then
    set -a # what it sets reaches the programs started below, exported or not
    . ./webui-user.sh
    set +a
fi

candidates=(python3.13 python3.12 python3.11 python3.10 python3 python)
python_cmd="${python_cmd:-${PYTHON:-}}"
[ -n "$python_cmd" ] && candidates=("$python_cmd")

# A virtual environment that is there already comes first: its Python is the one that counts, and needs no searching.
for python in "${venv_dir:-venv}/bin/python" "${candidates[@]}"; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
        exec "$python" -m modules.bootstrap "$@"
    fi
done

echo "No Python 3.10 or newer among: ${candidates[*]}. Install one, or name it in webui-user.sh: python_cmd=/path/to/python3" >&2
exit 1
