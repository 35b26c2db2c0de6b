# Settings for Cosmian KMS. Found out with version 5.28.
# See default.profile for the meaning of each value.

# Introduces itself as "cosmian".
server-regex=^[Cc]osmian

# The version is fixed: Sensitive is used, which needs 2.0 at least. It speaks 1.0 to 2.1 over TLS.
# Over HTTPS, JSON can be used with 1.4 and 2.1, and XML not at all.
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
# clear.
supports-link-attr=TRUE
supports-description-attr=TRUE
supports-comment-attr=TRUE
custom-attr-scheme=v1-style
supports-sensitive-attr=TRUE

# Whether it tells Always Sensitive is not known.
check-always-sensitive-attr=FALSE

# The ID Placeholder is refused by Activate, a Key Format Type by a wrapped Get, and a Delete Attribute
# by reference does nothing. All of it would be learned too.
server-traits=separate-activate,default-key-format,delete-by-value,set-attribute,numeric-values
