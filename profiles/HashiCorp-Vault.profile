# Settings for the KMIP secrets engine of HashiCorp Vault Enterprise, from its documentation. They
# were never tried. Give '--profile HashiCorp-Vault' if it is not chosen by itself.
# See default.profile for the meaning of each value.

# How it introduces itself is not documented.
server-regex=HashiCorp|Vault

# It implements KMIP 1.4 and no other version, in TTLV over TLS.
kmip-version=1.4
transport=TLS
encoding=TTLV
https-uri=/kmip
auth-scheme=TLSClientCert

# The documentation says nothing about key wrapping, without which no key can be fetched. Public keys
# can be registered from Vault 1.13 on; the padding is one that all adapters know.
wrap-key-algorithm=RSA
wrap-key-params=4096
wrap-key-format=PKCS1
wrap-padding-method=OAEP
wrap-hashing-algorithm=SHA-1

# Link is supported. The others are used from KMIP 2.0 on only.
supports-link-attr=TRUE
supports-description-attr=FALSE
supports-comment-attr=FALSE
custom-attr-scheme=v1-style
supports-sensitive-attr=FALSE
check-always-sensitive-attr=FALSE
