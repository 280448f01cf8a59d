#!/bin/sh
# Makes a bare machine ready: system packages that are missing, and .venv from requirements.lock.
#
#   deploy/setup.sh            the Python environment alone
#   deploy/setup.sh runtime    and RabbitMQ and Redis
#   deploy/setup.sh test       and what the test suite needs besides
#   deploy/setup.sh bench      and .venv-bench from deploy/bench.lock, with the peers that benchmarks stand beside
#
# Runs on Debian, Ubuntu and macOS, as root or as a user with sudo. A second run finds everything and changes nothing.
# Packages are installed without starting their services, now or at boot: the mesh runs private ones. A service that
# runs already is left alone.
set -eu

cd "$(dirname "$0")/.."
ROOT=$(pwd)
GROUP=${1:-python}
PATH="$PATH:/usr/sbin:/sbin:/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/usr/local/sbin"

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

is_ubuntu() { grep -qs '^ID=ubuntu' /etc/os-release; }

# The names under which crawlers/browser.py looks for one.
has_browser() {
    for program in chromium chromium-browser google-chrome google-chrome-stable; do
        has "$program" && return 0
    done
    return 1
}

is_suitable() {
    has "$1" && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in python3 python3.13 python3.12 python3.11; do
        if is_suitable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

# Prints what is missing, in the words of apt or brew.
missing() {
    python=$(find_python)
    if [ -z "$python" ]; then
        if has brew; then echo python@3.13
        elif has python3; then echo python3.11 python3.11-venv # the system's own is older
        else echo python3 python3-venv; fi
    elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian splits these off: the package carries the interpreter's own version.
        "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
    case $GROUP in runtime | test | bench)
        if ! [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && ! has rabbitmq-server; then
            if has brew; then echo rabbitmq; else echo rabbitmq-server; fi
        fi
        if ! has redis-server; then
            if has brew; then echo redis; else echo redis-server; fi
        fi
        # Ubuntu's package of this name is a shim for snap: there, as on macOS, Playwright brings a browser of its own.
        if ! has_browser && has apt-get && ! is_ubuntu; then echo chromium; fi ;;
    esac
    case $GROUP in test | bench)
        if ! has mariadbd || ! has mariadb-install-db; then
            if has brew; then echo mariadb; else echo mariadb-server; fi
        fi ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" # nobody is there to type a password
    fi
}

# While this file says 101, Debian's maintainer scripts start nothing (see the manual page invoke-rc.d(8)).
POLICY=/usr/sbin/policy-rc.d
hold_services() {
    [ -e "$POLICY" ] && return 0 # somebody's own policy stays in force
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    trap 'as_root rm -f "$POLICY"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    as_root chmod 755 "$POLICY"
}

release_services() {
    trap - EXIT INT TERM
    as_root rm -f "$POLICY"
}

# Only for what was just installed, and so cannot have been in use.
stay_off() {
    has systemctl || return 0
    for package in "$@"; do
        case $package in
            rabbitmq-server) as_root systemctl disable --quiet rabbitmq-server epmd.socket epmd.service ;;
            redis-server) as_root systemctl disable --quiet redis-server ;;
            mariadb-server) as_root systemctl disable --quiet mariadb ;;
        esac
    done 2>/dev/null || true
}

install_with_apt() {
    if [ "$(id -u)" != 0 ] && ! has sudo; then
        fail "these packages are missing, and only root may install them: apt-get install $*"
    fi
    as_root true || fail "sudo asks for a password; run this in a terminal, or: sudo apt-get install $*"
    is_ours=; [ -e "$POLICY" ] || is_ours=1
    hold_services
    apt() { as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }
    apt update || say "setup: the package lists could not all be renewed; trying with those that are here"
    # What apt prints of a good installation is of no interest, and of a bad one its errors are.
    apt install -y --no-install-recommends "$@" >/dev/null || fail "apt-get could not install: $*"
    stay_off "$@"
    [ -z "$is_ours" ] || release_services
}

install_packages() {
    say "Installing $* (once) ..."
    if has brew; then
        HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet "$@" || fail "brew could not install: $*"
    elif has apt-get; then
        install_with_apt "$@"
    else
        fail "please install these with your system's package manager: $*"
    fi
}

# What an environment was made from; when any of it changes, it is brought up to date.
fingerprint() {
    { cat "$1" deploy/setup.sh; echo "$ROOT"; "$2" -VV; } | cksum
}

# Makes the environment $1 from the lock file $2.
make_venv() {
    venv="$ROOT/$1"
    python=$(find_python)
    [ -n "$python" ] || fail "Python 3.11 or later is needed"
    stamp="$venv/.made-from"
    wanted=$(fingerprint "$2" "$python")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    say "Installing Python packages into $1 (once) ..."
    if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
        rm -rf "$venv"
        "$python" -m venv "$venv"
    fi
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input --no-deps --require-hashes -r "$2"
    link_project "$venv"
    printf '%s\n' "$wanted" >"$stamp"
}

# The project runs from where it is: a path for Python, and a `mesh` beside it.
link_project() {
    site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$ROOT" >"$site/mesh.pth"
    printf '#!/bin/sh\nexec "%s/bin/python" -m mesh "$@"\n' "$1" >"$1/bin/mesh"
    chmod 755 "$1/bin/mesh"
}

# Where the system has no browser to offer: the one that Playwright was made for, in the user's cache, for once.
bring_browser() {
    has_browser && return 0
    "$ROOT/.venv/bin/python" -c 'import os, playwright.sync_api as p
with p.sync_playwright() as tried: raise SystemExit(not os.path.exists(tried.chromium.executable_path))' && return 0
    say "Installing a browser for crawlers (once) ..."
    "$ROOT/.venv/bin/python" -m playwright install chromium >/dev/null ||
        say "setup: no browser could be installed; crawls need one, see MESH_CHROMIUM_PATH"
}

case $GROUP in python | runtime | test | bench) ;; *) fail "no group $GROUP: runtime, test, bench, or nothing" ;; esac
packages=$(missing)
# shellcheck disable=SC2086 # a list of words
[ -z "$packages" ] || install_packages $packages
make_venv .venv requirements.lock
[ "$GROUP" = python ] || bring_browser
[ "$GROUP" != bench ] || make_venv .venv-bench deploy/bench.lock
