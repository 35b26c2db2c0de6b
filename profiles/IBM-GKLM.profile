# Settings for IBM Security Guardium Key Lifecycle Manager (GKLM), formerly SKLM, from 4.1 on.
# See default.profile for the meaning of each value.

# Introduces itself as "SKLM 4.1.0.1 KMIP 2.0 BUILD ..." or "GKLM ...".
server-regex=(SKLM|GKLM) (4\.[1-9]|[5-9]\.[0-9]|[1-9][0-9]+\.[0-9])

# The version is fixed: Sensitive and Always Sensitive are used, which need 2.0 at least.
kmip-version=2.1
transport=TLS
encoding=TTLV
https-uri=/kmip
auth-scheme=TLSClientCert

# Keys are wrapped with RSA-OAEP and SHA-1.
wrap-key-algorithm=RSA
wrap-key-params=4096
wrap-key-format=PKCS1
wrap-padding-method=OAEP
wrap-hashing-algorithm=SHA-1

# It knows Link and Sensitive, but neither Description nor Comment.
supports-link-attr=TRUE
supports-description-attr=FALSE
supports-comment-attr=FALSE
custom-attr-scheme=v1-style
supports-sensitive-attr=TRUE
check-always-sensitive-attr=TRUE
