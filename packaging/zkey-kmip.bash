# bash completion for zkey-kmip. What there is to complete is asked of the program, which knows the
# options of the plugin that the repository is bound to.

_zkey_kmip() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=
    local repository=${ZKEY_REPOSITORY:-/etc/zkey/repository}
    local profiles=${ZKEY_KMIP_PROFILES:-/etc/zkey/kmip/profiles}
    local word candidates="" path
    local -a command=()
    COMPREPLY=()
    [ "$COMP_CWORD" -gt 0 ] && previous=${COMP_WORDS[COMP_CWORD - 1]}
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        -*) break ;;
        *) command+=("$word") ;;
        esac
    done
    case $previous in
    --name | -N)
        for path in "$repository"/*.info; do
            [ -e "$path" ] && candidates+=" $(basename "$path" .info)"
        done
        ;;
    --profile | -p)
        for path in "$profiles"/*.profile; do
            [ -e "$path" ] && candidates+=" $(basename "$path" .profile)"
        done
        ;;
    --state) candidates='DEACTIVATED COMPROMISED DESTROYED DESTROYED-COMPROMISED' ;;
    --key-type | -K) candidates='CCA-AESDATA CCA-AESCIPHER EP11-AES' ;;
    --volume-type | -t) candidates='PLAIN LUKS2 INTEGRITY' ;;
    --gen-csr | --gen-self-signed-cert | --renew-cert | --client-cert | --tls-ca-bundle | --credential-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    if [ -z "$candidates" ]; then
        case "${command[*]} $current" in
        'profile check '[!-]*)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        esac
        candidates=$("$program" "${command[@]}" --help 2>/dev/null | case $current in
        -*) grep -oE -- '(^|[ ,])--[a-z][a-z0-9-]*' | tr -d ' ,' ;;
        *) awk '/^Commands:/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }' ;;
        esac)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
}
complete -F _zkey_kmip zkey-kmip
