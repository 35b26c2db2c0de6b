//! The command line.

mod attributes;
mod before;
mod conformance;
mod cryptography;
mod derived;
mod later;
mod messages;
mod objects;
mod rules;
mod server;
mod sessions;
mod tools;
mod usage;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(crate) use attributes::*;
pub(crate) use before::reordered;
pub(crate) use conformance::*;
pub(crate) use cryptography::*;
pub(crate) use derived::*;
pub(crate) use later::*;
pub(crate) use messages::*;
pub(crate) use objects::*;
pub(crate) use rules::*;
pub(crate) use server::*;
pub(crate) use sessions::*;
pub(crate) use tools::*;
pub(crate) use usage::*;

const EXIT_CODES: &str = "\
Exit status:
  0  done; nothing differs, nothing failed
  1  the input is no KMIP message, messages differ, or a check failed
  2  the command line is wrong";

const ONLINE_EXIT_CODES: &str = "\
The options of a server may also stand before the command: kmip --server keys.example.com query

Exit status:
  0  done
  1  a file or an answer cannot be used, or what was asked about is not so (verify, validate, check)
  2  the command line or the configuration is wrong
  3  the server cannot be reached or trusted, or does not answer
  4  the server refuses it
  5  the server does not have the object
  6  the server does it later, or has not done it yet (poll); `kmip poll` asks for the result";

/// `help` of a command with examples.
macro_rules! examples {
    ($examples:literal) => {
        concat!(
            "Examples:\n",
            $examples,
            "\n\nExit status: 0 done; 1 a file or an answer cannot be used, or what was asked about is \
             not so;\n2 the command line or the configuration is wrong; 3 the server cannot be \
             reached or trusted;\n4 the server refuses it; 5 the server does not have the object; 6 it does it later or has not done it yet"
        )
    };
}

/// Uses and examines KMIP servers, decodes, converts and compares messages, and looks up what the
/// specifications say.
#[derive(Debug, Parser)]
#[command(name = "kmip", version, after_help = ONLINE_EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a server what it can do
    #[command(after_help = examples!("  kmip query --server keys.example.com --cert me.crt --key me.key --ca ca.pem"))]
    Query(QueryOptions),
    /// Show which protocol versions a server speaks
    #[command(after_help = examples!("  kmip versions --server [2001:db8::1]:5696"))]
    Versions(VersionsOptions),
    /// Ask whether the server answers, and how fast
    #[command(after_help = examples!("  kmip ping --count 3"))]
    Ping(Ping),
    /// List the servers of the configuration file
    Servers(ServersOptions),
    /// Examine a server step by step, and say what to do about what does not work
    #[command(after_help = examples!("  kmip doctor keys.example.com --cert me.crt --key me.key --ca ca.pem\n  kmip doctor keys.example.com --write --profile /etc/zkey/kmip/profiles/mine.profile"))]
    Doctor(Doctor),
    /// Create a symmetric key
    #[command(after_help = examples!("  kmip create --name disk --activate\n  kmip create --length 128 --usage wrap-key,unwrap-key --attribute x-purpose=backup"))]
    Create(Create),
    /// Create a key pair
    #[command(after_help = examples!("  kmip create-key-pair --algorithm RSA --length 3072 --name signing\n  kmip create-key-pair --algorithm EC --curve P-256 --activate"))]
    CreateKeyPair(CreateKeyPair),
    /// Store a key, secret, certificate or other object that exists already
    #[command(after_help = examples!("  kmip register key.bin --name disk\n  kmip register --type SecretData password.txt\n  kmip register public.pem --usage verify"))]
    Register(Register),
    /// Store an object with all its attributes that `kmip export` wrote (KMIP 1.4 and later)
    #[command(after_help = examples!("  kmip import key.xml --replace"))]
    Import(Import),
    /// Fetch an object with all its attributes (KMIP 1.4 and later)
    #[command(after_help = examples!("  kmip export 4f2a --output key.xml"))]
    Export(Export),
    /// Fetch a key, secret, certificate or other object
    #[command(after_help = examples!("  kmip get 4f2a\n  kmip get 4f2a --output key.bin\n  kmip get 4f2a --format PKCS_8 --as pem --output key.pem\n  kmip get 4f2a --wrap-with 77b0 --wrap-mode NISTKeyWrap --output wrapped.bin"))]
    Get(Get),
    /// Find objects, and list them with their attributes
    #[command(visible_alias = "list", after_help = examples!("  kmip locate\n  kmip locate --name disk --ids\n  kmip locate --type SymmetricKey --state Active --attribute x-purpose=backup"))]
    Locate(Locate),
    /// Show and change the attributes of an object
    #[command(subcommand, after_help = examples!("  kmip attributes get 4f2a State Name\n  kmip attributes set 4f2a 'Contact Information=me@example.com'\n  kmip attributes delete 4f2a x-purpose"))]
    Attributes(Attributes),
    /// Make keys usable
    #[command(after_help = examples!("  kmip activate 4f2a"))]
    Activate(Objects),
    /// Put objects out of use
    #[command(after_help = examples!("  kmip revoke 4f2a\n  kmip revoke 4f2a --reason KeyCompromise --compromised-since 2026-01-31T00:00:00Z"))]
    Revoke(Revoke),
    /// Destroy objects; asks before on a terminal
    #[command(after_help = examples!("  kmip destroy 4f2a --revoke --yes"))]
    Destroy(Destroy),
    /// Move objects to the archive
    Archive(Objects),
    /// Bring objects back from the archive
    Recover(Objects),
    /// Replace a key or a key pair by a new one
    #[command(visible_alias = "re-key", after_help = examples!("  kmip rekey 4f2a --offset 0"))]
    Rekey(Rekey),
    /// Ask whether a key may be used so; status 1 if it may not
    #[command(after_help = examples!("  kmip check 4f2a --usage encrypt"))]
    Check(Check),
    /// Reserve so much of a key's Usage Limits for us
    #[command(after_help = examples!("  kmip get-usage-allocation 4f2a 1000"))]
    GetUsageAllocation(GetUsageAllocation),
    /// Show how long keys may be kept before asking again
    #[command(after_help = examples!("  kmip obtain-lease 4f2a 77b0"))]
    ObtainLease(Objects),
    /// Derive a key or a secret from a key or a secret
    #[command(after_help = examples!("  kmip derive-key 4f2a --method HMAC --hash SHA-256 --data 0011 --name session\n  kmip derive-key 77b0 --method PBKDF2 --hash SHA-256 --salt 0011 --iterations 10000 --length 128"))]
    DeriveKey(Box<DeriveKey>),
    /// Split a key, or a new one, into parts of which some suffice to join it (KMIP 1.2 and later)
    #[command(after_help = examples!("  kmip split-key 4f2a --parts 5 --threshold 3\n  kmip split-key --parts 2 --length 256"))]
    SplitKey(Box<SplitKey>),
    /// Join a key from its parts (KMIP 1.2 and later)
    #[command(after_help = examples!("  kmip join-split-key 4f2a 4f2b 4f2c --name whole"))]
    JoinSplitKey(JoinSplitKey),
    /// Have the server's authority certify a public key
    #[command(after_help = examples!("  kmip certify 77b1 --request me.csr\n  kmip certify --request me.csr --name me"))]
    Certify(Certify),
    /// Replace a certificate by a new one
    #[command(visible_alias = "recertify", after_help = examples!("  kmip re-certify 5a01 --request me.csr"))]
    ReCertify(Recertify),
    /// Ask the server whether a chain of certificates is valid; status 1 if it is not
    #[command(after_help = examples!("  kmip validate 5a01 5a02\n  kmip validate --certificate me.crt --certificate ca.crt --at 2027-01-01T00:00:00Z"))]
    Validate(Validate),
    /// Log in, and keep the ticket in a file (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip login --user alice --password-file alice.password --output ticket\n  kmip locate --ticket ticket\n  kmip logout ticket"))]
    Login(Login),
    /// Log in for somebody else, with rights of ours, and keep the ticket in a file (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip delegated-login --operation Get,Locate --object 4f2a --output ticket"))]
    DelegatedLogin(DelegatedLogin),
    /// End the session of a ticket (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip logout ticket"))]
    Logout(Logout),
    /// Have the server log a message (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip log 'backup begins'"))]
    Log(Log),
    /// Ask for the result of an operation that the server does later
    ///
    /// Commands with --asynchronous print what to ask for. Servers may want to be asked in the version
    /// of that request, so other versions are tried unless --kmip-version says one.
    #[command(after_help = examples!("  kmip create-key-pair --length 8192 --asynchronous mandatory\n  kmip poll 5d1c9e --wait"))]
    Poll(Poll),
    /// Give up an operation that the server does later
    #[command(after_help = examples!("  kmip cancel 5d1c9e"))]
    Cancel(Correlated),
    /// Have the server do now what it would do later (KMIP 2.1)
    #[command(after_help = examples!("  kmip process 5d1c9e"))]
    Process(Correlated),
    /// List the operations that the server does later, and how far they are (KMIP 2.1)
    #[command(visible_alias = "pending", after_help = examples!("  kmip query-asynchronous-requests\n  kmip pending --operation CreateKeyPair"))]
    QueryAsynchronousRequests(QueryAsynchronousRequests),
    /// Set attributes that new objects of ours get unless something else is said (KMIP 2.1)
    ///
    /// Replaces all former defaults, which cannot be read back.
    #[command(after_help = examples!("  kmip set-defaults --type SymmetricKey -a 'Cryptographic Length=256'\n  kmip set-defaults --file defaults.xml\n  kmip set-defaults --clear"))]
    SetDefaults(SetDefaults),
    /// Show and change what new objects of ours must be like (KMIP 2.1)
    #[command(subcommand, after_help = examples!("  kmip constraints get\n  kmip constraints set --type SymmetricKey -a 'Cryptographic Length=256'\n  kmip constraints set --clear"))]
    Constraints(Constraints),
    /// Call a function of the PKCS#11 token that the server embeds (KMIP 2.0 and later)
    #[command(name = "pkcs11", after_help = examples!("  kmip pkcs11 C_Initialize\n  kmip pkcs11 C_GetInfo --correlation 5d1c9e --output info.bin"))]
    Pkcs11(Pkcs11),
    /// Ask the server to make requests to us on this connection, or to stop it (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip set-endpoint-role Server"))]
    SetEndpointRole(SetEndpointRole),
    /// Have our client certificate replaced by the server (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip re-provision --request me.csr"))]
    ReProvision(ReProvision),
    /// Tell the server that a test begins or ends (KMIP 2.0 and later)
    #[command(after_help = examples!("  kmip interop begin TC-1\n  kmip interop end TC-1"))]
    Interop(Interop),
    /// Encrypt data on the server
    #[command(after_help = examples!("  kmip encrypt 4f2a --mode CBC --padding PKCS5 --input plain --output encrypted\n  kmip encrypt 4f2a --mode GCM --tag-length 16 --json < plain"))]
    Encrypt(Encrypt),
    /// Decrypt data on the server
    #[command(after_help = examples!("  kmip decrypt 4f2a --mode CBC --padding PKCS5 --iv 00112233445566778899aabbccddeeff --input encrypted --output plain"))]
    Decrypt(Decrypt),
    /// Sign data on the server
    #[command(after_help = examples!("  kmip sign 77b0 --padding PSS --hash SHA-256 --input file --output file.sig"))]
    Sign(Sign),
    /// Verify a signature on the server; status 1 if it is not valid
    #[command(after_help = examples!("  kmip verify 77b1 --padding PSS --hash SHA-256 --input file --signature file.sig"))]
    Verify(Verify),
    /// Make or verify a message authentication code on the server
    #[command(after_help = examples!("  kmip mac 4f2a --algorithm HMAC-SHA256 --input file --output file.mac\n  kmip mac 4f2a --algorithm HMAC-SHA256 --input file --verify file.mac"))]
    Mac(Mac),
    /// Hash data on the server
    #[command(after_help = examples!("  kmip hash SHA-512 --input file"))]
    Hash(Hash),
    /// Fetch random bytes from the server, or seed its generator
    #[command(after_help = examples!("  kmip rng 32 --output random.bin"))]
    Rng(Rng),
    /// Send a message as it is, and show the answer
    #[command(after_help = examples!("  kmip raw request.xml\n  kmip raw --to json < request.hex"))]
    Raw(Raw),
    /// Run a key server for tests and demonstrations; it is no hardware security module
    #[command(
        after_help = "Example:\n  kmip serve --cert dev/server.crt --key dev/server.key --client-ca dev/ca.crt"
    )]
    Serve(Box<kmip_server::command::Options>),
    /// Make certificates for a trial: a CA, a server, a client, and a configuration file
    #[command(
        after_help = "Example:\n  kmip dev-certs dev --host keys.example.com --host 192.0.2.7"
    )]
    DevCerts(DevCerts),
    /// Show a message as a tree
    ///
    /// Takes TTLV (binary, hexadecimal digits, dumps of xxd, hexdump and Wireshark, base64), JSON,
    /// XML, and HTTP messages with one of these. Keys and passwords are redacted.
    #[command(after_help = EXIT_CODES)]
    Decode(Decode),
    /// Convert a message to another encoding
    #[command(after_help = EXIT_CODES)]
    Convert(Convert),
    /// Compare two messages, in whatever form they are
    #[command(after_help = EXIT_CODES)]
    Diff(Diff),
    /// Look up a tag, enumeration, value, structure, operation or attribute in the specifications
    #[command(after_help = EXIT_CODES)]
    Explain(Explain),
    /// Print the tables of the specifications
    Spec(SpecOptions),
    /// Check implementations against published messages
    #[command(subcommand)]
    Conformance(Conformance),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory
    Man {
        /// The directory, which must be there
        directory: PathBuf,
    },
}
