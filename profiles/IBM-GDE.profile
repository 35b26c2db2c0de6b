# Settings for IBM Guardium Data Encryption (GDE), which is Vormetric Data Security Manager.
# See default.profile for the meaning of each value.

# Introduces itself with the name of its manufacturer.
server-regex=Vormetric.*

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

# It knows all the attributes that can be used.
supports-link-attr=TRUE
supports-description-attr=TRUE
supports-comment-attr=TRUE
custom-attr-scheme=v1-style
supports-sensitive-attr=TRUE
check-always-sensitive-attr=TRUE
