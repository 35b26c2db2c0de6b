//! The options that the KMIP plugin adds to zkey's commands (behaviour reference 2).
//!
//! Names, values and arguments are those of the C plugin, with one more; scripts depend on them. The tables are
//! static because the host keeps pointers into them until it exits (1.4).

use std::ffi::{CStr, c_int};
use std::ptr;

use super::raw::{
    FLAG_NO_SHORT, FLAG_SECTION, GetoptOption, NO_ARGUMENT, OptionTable, REQUIRED_ARGUMENT, UtilOpt,
};
use super::values::PluginCommand;

/// The values by which options arrive in [`super::OptionValue::code`].
#[rustfmt::skip]
pub mod code {
    #![allow(missing_docs)]
    pub const GEN_IDENTITY_KEY: i32 = b'i' as i32;
    pub const GEN_CSR: i32 = b'c' as i32;
    pub const GEN_SELF_SIGNED_CERT: i32 = b'C' as i32;
    pub const CERT_SUBJECT: i32 = b's' as i32;
    pub const CERT_EXTENSIONS: i32 = b'e' as i32;
    pub const RENEW_CERT: i32 = b'N' as i32;
    pub const CSR_NEW_HEADER: i32 = b'n' as i32;
    pub const CERT_VALIDITY_DAYS: i32 = b'd' as i32;
    pub const CERT_DIGEST: i32 = b'D' as i32;
    pub const CERT_RSA_PSS: i32 = b'P' as i32;
    pub const CLIENT_CERT: i32 = b'r' as i32;
    pub const KMIP_SERVER: i32 = b'S' as i32;
    pub const PROFILE: i32 = b'p' as i32;
    pub const TLS_CA_BUNDLE: i32 = b'b' as i32;
    pub const TLS_PIN_SERVER_PUBKEY: i32 = 256;
    pub const TLS_TRUST_SERVER_CERT: i32 = 257;
    pub const TLS_DONT_VERIFY_SERVER_CERT: i32 = 258;
    pub const TLS_VERIFY_HOSTNAME: i32 = 259;
    /// Not an option of the C plugin.
    pub const CREDENTIAL_FILE: i32 = 260;
    pub const GEN_WRAPPING_KEY: i32 = b'w' as i32;
    /// Label of the wrapping key (`configure`) or of the key (`generate`).
    pub const LABEL: i32 = b'B' as i32;
    /// `remove`: the state that the key gets at the server.
    pub const STATE: i32 = b's' as i32;
    /// `list-import`: the type of secure key to make.
    pub const KEY_TYPE: i32 = b'K' as i32;
}

/// The options that the KMIP plugin adds to `command`, ended by [`UtilOpt::END`].
pub fn table(command: PluginCommand) -> Option<&'static [UtilOpt]> {
    match command {
        PluginCommand::Configure => Some(CONFIGURE.entries()),
        PluginCommand::Generate => Some(GENERATE.entries()),
        PluginCommand::Remove => Some(REMOVE.entries()),
        PluginCommand::ListImport => Some(LIST_IMPORT.entries()),
        PluginCommand::Reencipher | PluginCommand::List => None,
    }
}

static CONFIGURE: OptionTable<27> = OptionTable::new([
    section(c"OPTIONS FOR THE IDENTITY KEY"),
    argument(
        c"gen-identity-key",
        code::GEN_IDENTITY_KEY,
        c"KEY-SPEC",
        c"Generate the identity key, or replace it by a new one. KEY-SPEC is 'ECC:<CURVE>' with \
          the name of an elliptic curve, or 'RSA:<BITS>' with 512, 1024, 2048, 3072 or 4096 bits. The \
          identity key is a secure key; it proves to the KMIP server who this client is",
    ),
    section(c"OPTIONS FOR GENERATING A CERTIFICATE"),
    argument(
        c"gen-csr",
        code::GEN_CSR,
        c"CSR-PEM-FILE",
        c"Write a certificate signing request for the identity key to this PEM file, to be \
          signed by a certificate authority. Without an identity key, one of type \
          'ECC:secp521r1' is generated first",
    ),
    argument(
        c"gen-self-signed-cert",
        code::GEN_SELF_SIGNED_CERT,
        c"CERT-PEM-FILE",
        c"Write a self-signed certificate for the identity key to this PEM file, and use it as \
          client certificate. Without an identity key, one of type 'ECC:secp521r1' is generated \
          first",
    ),
    argument(
        c"cert-subject",
        code::CERT_SUBJECT,
        c"SUBJECT-RDNS",
        c"Subject of the certificate or request, as 'type=value' pairs separated by semicolons, \
          such as 'CN=client;O=Example;C=DE'. A '+' before a type joins the pair with the one \
          before it",
    ),
    argument(
        c"cert-extensions",
        code::CERT_EXTENSIONS,
        c"EXTENSIONS",
        c"Extensions of the certificate or request, as 'name=[critical,]value' pairs separated by \
          semicolons, in the notation of OpenSSL's configuration",
    ),
    argument(
        c"renew-cert",
        code::RENEW_CERT,
        c"CERT-PEM-FILE",
        c"Take subject and extensions from this existing certificate. Other options add to them",
    ),
    flag(
        c"csr-new-header",
        code::CSR_NEW_HEADER,
        c"Write 'NEW CERTIFICATE REQUEST' into the header and footer of the request, which some \
          certificate authorities want",
    ),
    argument(
        c"cert-validity-days",
        code::CERT_VALIDITY_DAYS,
        c"DAYS",
        c"Number of days for which a self-signed certificate is valid. The default is 30",
    ),
    argument(
        c"cert-digest",
        code::CERT_DIGEST,
        c"DIGEST",
        c"Digest with which the certificate or request is signed, by its OpenSSL name, such as \
          'sha256'. The default depends on the identity key",
    ),
    flag(
        c"cert-rsa-pss",
        code::CERT_RSA_PSS,
        c"Sign the certificate or request with RSA-PSS. Only for an RSA identity key",
    ),
    section(c"OPTIONS FOR REGISTERING A CERTIFICATE"),
    argument(
        c"client-cert",
        code::CLIENT_CERT,
        c"CERT-PEM-FILE",
        c"Use the certificate in this PEM file as client certificate. It must have been issued \
          for the identity key",
    ),
    section(c"OPTIONS FOR THE CONNECTION TO THE KMIP SERVER"),
    argument(
        c"kmip-server",
        code::KMIP_SERVER,
        c"SERVER",
        c"The KMIP server, as 'HOST[:PORT]' or as 'https://HOST[:PORT][/PATH]'. The default port \
          is 5696. A new wrapping key is generated and registered as well",
    ),
    argument(
        c"profile",
        code::PROFILE,
        c"PROFILE-NAME",
        c"Name of the profile with the settings for this server. Without this option the profile \
          is chosen by what the server says about itself",
    ),
    argument(
        c"tls-ca-bundle",
        code::TLS_CA_BUNDLE,
        c"CA-BUNDLE",
        c"PEM file, or directory prepared by 'openssl rehash', with the CA certificates that \
          verify the server. The default are the certificates of the system",
    ),
    long_flag(
        c"tls-pin-server-pubkey",
        code::TLS_PIN_SERVER_PUBKEY,
        c"Accept no other public key from the server than the one it presents now. Not together \
          with '--tls-trust-server-cert'",
    ),
    long_flag(
        c"tls-trust-server-cert",
        code::TLS_TRUST_SERVER_CERT,
        c"Accept no other certificate from the server than the one it presents now, even if it is \
          self-signed. Not together with '--tls-pin-server-pubkey'",
    ),
    long_flag(
        c"tls-dont-verify-server-cert",
        code::TLS_DONT_VERIFY_SERVER_CERT,
        c"Do not verify the certificate of the server. This is not recommended",
    ),
    long_flag(
        c"tls-verify-hostname",
        code::TLS_VERIFY_HOSTNAME,
        c"Demand that the certificate of the server is one for its host name",
    ),
    long_argument(
        c"credential-file",
        code::CREDENTIAL_FILE,
        c"FILE",
        c"File with the lines 'server=HOST:PORT', 'user-name=...' and 'password=...', for servers that \
          want them. It is read for each connection; its group may read it, and nobody but its owner \
          change it. Needs \
          '--tls-verify-hostname', '--tls-pin-server-pubkey' or '--tls-trust-server-cert'",
    ),
    section(c"OPTIONS FOR THE WRAPPING KEY"),
    flag(
        c"gen-wrapping-key",
        code::GEN_WRAPPING_KEY,
        c"Generate a new wrapping key and register it with the KMIP server. The server wraps with \
          it each key that it sends",
    ),
    argument(
        c"label",
        code::LABEL,
        c"LABEL",
        c"Label of the wrapping key at the KMIP server. Without it, the key has only the \
          identifier that the server chooses",
    ),
    UtilOpt::END,
]);

static GENERATE: OptionTable<2> = OptionTable::new([
    argument(
        c"label",
        code::LABEL,
        c"LABEL",
        c"Label of the key at the KMIP server, 'LABEL1:LABEL2' for the two keys of type XTS. \
          Without it, a key has only the identifier that the server chooses",
    ),
    UtilOpt::END,
]);

static REMOVE: OptionTable<2> = OptionTable::new([
    argument(
        c"state",
        code::STATE,
        c"STATE",
        c"State that the key gets at the KMIP server before it is removed here: 'DEACTIVATED', \
          'COMPROMISED', 'DESTROYED' or 'DESTROYED-COMPROMISED'. Without it, the key at the \
          server stays as it is",
    ),
    UtilOpt::END,
]);

static LIST_IMPORT: OptionTable<2> = OptionTable::new([
    argument(
        c"key-type",
        code::KEY_TYPE,
        c"TYPE",
        c"Type of the secure keys to make: 'CCA-AESDATA' (the default) or 'CCA-AESCIPHER' with \
          APQNs in CCA mode, 'EP11-AES' with APQNs in EP11 mode",
    ),
    UtilOpt::END,
]);

const fn section(desc: &'static CStr) -> UtilOpt {
    UtilOpt {
        desc: desc.as_ptr(),
        flags: FLAG_SECTION,
        ..UtilOpt::END
    }
}

const fn argument(
    name: &'static CStr,
    val: c_int,
    argument: &'static CStr,
    desc: &'static CStr,
) -> UtilOpt {
    UtilOpt {
        argument: argument.as_ptr(),
        ..entry(name, REQUIRED_ARGUMENT, val, desc, 0)
    }
}

const fn long_argument(
    name: &'static CStr,
    val: c_int,
    argument: &'static CStr,
    desc: &'static CStr,
) -> UtilOpt {
    UtilOpt {
        argument: argument.as_ptr(),
        ..entry(name, REQUIRED_ARGUMENT, val, desc, FLAG_NO_SHORT)
    }
}

const fn flag(name: &'static CStr, val: c_int, desc: &'static CStr) -> UtilOpt {
    entry(name, NO_ARGUMENT, val, desc, 0)
}

const fn long_flag(name: &'static CStr, val: c_int, desc: &'static CStr) -> UtilOpt {
    entry(name, NO_ARGUMENT, val, desc, FLAG_NO_SHORT)
}

const fn entry(
    name: &'static CStr,
    has_arg: c_int,
    val: c_int,
    desc: &'static CStr,
    flags: c_int,
) -> UtilOpt {
    UtilOpt {
        option: GetoptOption {
            name: name.as_ptr(),
            has_arg,
            flag: ptr::null_mut(),
            val,
        },
        argument: ptr::null(),
        desc: desc.as_ptr(),
        flags,
        command: ptr::null(),
    }
}
