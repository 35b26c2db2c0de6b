# Settings for PyKMIP, a KMIP server for tests. A connection can be configured, but no keys can be
# fetched, since it wraps keys with AES keys only. Found out with version 0.11.
# See default.profile for the meaning of each value.

# Introduces itself as "PyKMIP 0.11.0 Software Server".
server-regex=^PyKMIP

# It speaks 1.0 to 2.0.
kmip-version=AUTO
transport=TLS
encoding=TTLV
https-uri=/kmip
auth-scheme=TLSClientCert

# It reads PKCS#1 keys, and can parse parameters for PKCS1.5 only.
wrap-key-algorithm=RSA
wrap-key-params=2048
wrap-key-format=PKCS1
wrap-padding-method=PKCS1.5
wrap-hashing-algorithm=SHA-1

# It knows none of them.
supports-link-attr=FALSE
supports-description-attr=FALSE
supports-comment-attr=FALSE
custom-attr-scheme=v1-style
supports-sensitive-attr=FALSE
check-always-sensitive-attr=FALSE

# It announces no types of objects, and fewer operations than it has.
check-server-capabilities=FALSE

# The ID Placeholder is refused by Activate, and Add Attribute does not exist.
server-traits=separate-activate,no-add-attribute
