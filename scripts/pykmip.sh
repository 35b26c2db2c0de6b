#!/usr/bin/env bash
# Starts PyKMIP's server on a free port of the loopback interface, with certificates made for
# it, and stops it again.
#
#   scripts/pykmip.sh COMMAND [ARGS]    runs COMMAND with these variables in its environment
#   scripts/pykmip.sh                   prints them, and keeps the server until interrupted
#
#   KMIP_PYKMIP_ADDRESS     HOST:PORT
#   KMIP_PYKMIP_CA          certificate that the server's is signed with
#   KMIP_PYKMIP_CA_KEY      its private key, to issue more
#   KMIP_PYKMIP_CERT        certificate and
#   KMIP_PYKMIP_KEY         private key of a client
#   KMIP_PYKMIP_PYTHON      a Python that has PyKMIP, for its client
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/certificates.sh"

ATTEMPTS=3
READY_SECONDS=30

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

configure() {
    cat >"$directory/server.conf" <<END
[server]
hostname=127.0.0.1
port=$1
certificate_path=$directory/certificates/server.crt
key_path=$directory/certificates/server.key
ca_path=$directory/certificates/ca.crt
auth_suite=TLS1.2
policy_path=$directory/policies
enable_tls_client_auth=True
logging_level=INFO
database_path=$directory/pykmip.db
END
}

# In a process group of its own, since it has processes of its own.
start() {
    setsid "$venv/bin/python" "$venv/bin/pykmip-server" \
        -f "$directory/server.conf" -l "$directory/server.log" \
        >"$directory/output" 2>&1 </dev/null &
    server=$!
}

# Its database is thrown away: there is nothing to wait for.
stop() {
    [ -n "$server" ] || return 0
    kill -KILL -- "-$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}

clean_up() {
    stop
    rm -rf "$directory"
}

# A connection that is taken shows readiness; a server that ended has lost its port to another.
ready() {
    local port=$1
    for _ in $(seq $((READY_SECONDS * 10))); do
        if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

serve() {
    local port
    for _ in $(seq "$ATTEMPTS"); do
        port=$(free_port)
        configure "$port"
        start
        if ready "$port"; then
            address=127.0.0.1:$port
            return
        fi
        stop
    done
    cat "$directory/output" "$directory/server.log" >&2 || true
    die "PyKMIP does not start"
}

venv=$(pip_venv pykmip "$ROOT/scripts/pykmip-requirements.txt")
directory=$(mktemp -d)
server=
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$directory/policies"
certificates "$directory/certificates"
serve

variables=(
    "KMIP_PYKMIP_ADDRESS=$address"
    "KMIP_PYKMIP_CA=$directory/certificates/ca.crt"
    "KMIP_PYKMIP_CA_KEY=$directory/certificates/ca.key"
    "KMIP_PYKMIP_CERT=$directory/certificates/client.crt"
    "KMIP_PYKMIP_KEY=$directory/certificates/client.key"
    "KMIP_PYKMIP_PYTHON=$venv/bin/python"
)
if [ $# = 0 ]; then
    printf '%s\n' "${variables[@]}"
    wait "$server"
elif ! env "${variables[@]}" "$@"; then
    say "errors in the log of PyKMIP:"
    grep -E ' - (WARNING|ERROR) - ' "$directory/server.log" | tail -n 20 >&2 || true
    exit 1
fi
