# Settings for Fortanix Data Security Manager, from what is public about it. They were never tried.
# Give '--profile Fortanix-DSM' if it is not chosen by itself.
# See default.profile for the meaning of each value.

# How it introduces itself is not documented; this is its maker.
server-regex=Fortanix

# Which versions it speaks was not found out, so they are agreed upon.
kmip-version=AUTO

# KMIP is spoken over TLS; HTTPS is for its REST interface.
transport=TLS
encoding=TTLV
https-uri=/kmip

# An app of the account is told by its client certificate.
auth-scheme=TLSClientCert

# Nothing is said about wrapping with RSA over KMIP: this is what all adapters can do.
wrap-key-algorithm=RSA
wrap-key-params=4096
wrap-key-format=PKCS1
wrap-padding-method=OAEP
wrap-hashing-algorithm=SHA-1

# Not documented, so custom attributes are used.
supports-link-attr=FALSE
supports-description-attr=FALSE
supports-comment-attr=FALSE
custom-attr-scheme=v1-style
supports-sensitive-attr=FALSE
check-always-sensitive-attr=FALSE

# Which operations it announces is not documented, so none is demanded.
check-server-capabilities=FALSE
