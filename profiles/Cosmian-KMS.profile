# Settings for Cosmian KMS. Measured with version 5.28.0 (the crate cosmian_kms_server, not FIPS, with
# SQLite), over its socket server and over HTTPS: `make interop-cosmian`.
# See default.profile for the meaning of each value.

# Introduces itself as "cosmian".
server-regex=^[Cc]osmian

# The version is fixed: Sensitive is used, which needs 2.0 at least. The whole life of keys was played
# with 1.4 and 2.1, over TLS and over HTTPS in TTLV and JSON; copy this profile to have another way.
# JSON can be used with 1.4 and 2.1 only, and XML not at all.
kmip-version=2.1
transport=TLS
encoding=TTLV
https-uri=/kmip
auth-scheme=TLSClientCert

# Every form of RSA key and all paddings work from KMIP 1.1 on; this is the strongest one.
wrap-key-algorithm=RSA
wrap-key-params=4096
wrap-key-format=PKCS1
wrap-padding-method=OAEP
wrap-hashing-algorithm=SHA-256

# It knows Link, Description, Comment and Sensitive, and refuses to hand out a sensitive key in the
# clear. It tells Always Sensitive where it is asked for it.
supports-link-attr=TRUE
supports-description-attr=TRUE
supports-comment-attr=TRUE
custom-attr-scheme=v1-style
supports-sensitive-attr=TRUE
check-always-sensitive-attr=TRUE

# The ID Placeholder is refused by Activate, a Key Format Type by a wrapped Get, and a Delete Attribute
# by reference does nothing. In JSON it reads no names of masks, and has its own for values such as
# SHA_256 and PKCS_1. All of it would be learned too.
server-traits=separate-activate,default-key-format,delete-by-value,set-attribute,numeric-values
