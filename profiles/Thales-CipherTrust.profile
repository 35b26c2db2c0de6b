# Settings for Thales CipherTrust Manager, from its public documentation. They were never tried.
# Give '--profile Thales-CipherTrust' if it is not chosen by itself.
# See default.profile for the meaning of each value.

# How it introduces itself is not documented; these are its names, and that of what it came from.
server-regex=CipherTrust|KeySecure

# Which versions are spoken depends on the release, so they are agreed upon.
kmip-version=AUTO

# It listens on port 5696 and speaks TLS 1.2 and 1.3 there; HTTPS is for its REST interface.
transport=TLS
encoding=TTLV
https-uri=/kmip

# Clients are told apart by a field of their certificate, the CN unless the KMIP interface is
# configured otherwise, and must be registered there first, or be allowed to register themselves.
auth-scheme=TLSClientCert

# The documentation says nothing about wrapping with RSA: this is what all adapters can do.
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
