# shellcheck shell=bash
# Sourced: certificates for a TLS server and its clients on this machine.

# certificates DIRECTORY: writes ca.crt, and server and client each as .crt and .key (P-256,
# for a day). They name the extended key usage, without which PyKMIP refuses a client.
certificates() {
    local directory=$1
    (
        umask 077
        mkdir -p "$directory"
        cd "$directory"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
            -keyout ca.key -out ca.crt -subj "/CN=interop CA" \
            -addext keyUsage=critical,keyCertSign,cRLSign
        issue server "/CN=localhost" "extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost,IP:127.0.0.1"
        issue client "/CN=interop client" "extendedKeyUsage=clientAuth"
    ) 2>"$directory.log" || { cat "$directory.log" >&2 && return 1; }
}

# issue NAME SUBJECT EXTENSIONS, in the current directory
issue() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -keyout "$1.key" -subj "$2" |
        openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out "$1.crt" \
            -extfile <(printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n%s\n' "$3")
}
