# Settings for KMIP servers that no other profile matches.
#
# A profile is a text file with one "name=value" per line, without blanks around the "=" and after
# the value. Values may be written in upper or lower case, except for the expression and the URI.
# The name of the file without ".profile" is the name of the profile. This one is never matched
# against what the server says about itself; it is used when no other profile matches.

# POSIX extended regular expression, searched for in the text with which the server introduces
# itself ("Vendor Identification" in the answer to Query). Mandatory.
server-regex=.*

# Version of the KMIP protocol: AUTO to agree on it with the server, or a number such as 1.4.
kmip-version=AUTO

# Transport: TLS, or HTTPS for servers that speak KMIP over HTTPS only.
transport=TLS

# Encoding of messages: TTLV. JSON and XML can be used with transport HTTPS only.
encoding=TTLV

# Path of the KMIP service on the server, for transport HTTPS.
https-uri=/kmip

# How this client proves who it is: TLSClientCert, with its TLS client certificate.
auth-scheme=TLSClientCert

# The key with which the server wraps the keys that it sends: an RSA key of that many bits.
wrap-key-algorithm=RSA
wrap-key-params=2048

# How the public wrapping key is registered: PKCS1, PKCS8 or TransparentPublicKey.
wrap-key-format=PKCS1

# Padding for wrapping: PKCS1.5 or OAEP; and for OAEP the hash, SHA-1 or SHA-256.
wrap-padding-method=PKCS1.5
wrap-hashing-algorithm=SHA-1

# The same with SHA-384 and SHA-512, too; counts more than wrap-hashing-algorithm. CCA adapters know
# SHA-1 and SHA-256 only.
#wrap-oaep-hashing-algorithm=SHA-512

# Whether the server knows the attribute Link, which ties the two keys of an XTS pair together.
# Otherwise custom attributes do.
supports-link-attr=FALSE

# Whether the server knows the attribute Description, or else Comment, from KMIP 2.0 on. Otherwise
# a custom attribute holds the description of a key.
supports-description-attr=FALSE
supports-comment-attr=FALSE

# How custom attributes are named from KMIP 2.0 on: v1-style (vendor "x", names begin with "zkey-")
# or v2-style (vendor "zkey").
custom-attr-scheme=v1-style

# Whether the server knows the attribute Sensitive, from KMIP 2.0 on, so that keys can be kept from
# leaving it in the clear; and whether to demand that a key was sensitive all its life.
supports-sensitive-attr=FALSE
check-always-sensitive-attr=FALSE

# Whether the server must announce all operations that are needed before it is configured. FALSE
# helps with servers that announce less than they can do.
check-server-capabilities=TRUE

# In what the server differs from others. AUTO: this is learned from what it refuses, and kept in the
# configuration. Otherwise, "none" or names with commas:
#   separate-activate   objects are activated by their identifier, after they were made
#   default-key-format  a wrapped Get must not name a Key Format Type
#   no-batches          messages must have one item
#   set-attribute       Set Attribute can be used for new and for changed attributes
#   no-add-attribute    there is no Add Attribute
#   delete-by-value     Delete Attribute by reference does nothing (from KMIP 2.0 on)
#   coarse-locate       Locate does not understand custom attributes
#   content-charset     the Content-Type over HTTPS must name the character set
#   numeric-values      JSON and XML must have numbers instead of the names of values
server-traits=AUTO

# Servers of the same cluster, HOST[:PORT] with commas, which are used in this order while the
# configured one cannot be reached. Empty: none.
failover-servers=

# Most operations in one message, up to 1000. Fewer make shorter messages.
batch-size=50

# Seconds to wait for a connection (connect-timeout) and for an answer (response-timeout), from 1 to
# 3600. Without them, 20 and 30.
#connect-timeout=20
#response-timeout=30
