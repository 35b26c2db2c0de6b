//! Links the shared object the way zkey's own build links its plugins.
//!
//! rustc exports the `no_mangle` functions of a cdylib alone (here `kms_get_functions`) by a version
//! script without a name. A linker refuses a second script with a named version node, so the C
//! plugin's node `ZKEY_KMIP_1.0` is not there. zkey looks the symbol up without a version.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // The plugin is loaded with RTLD_GLOBAL: what it calls must be its own.
    link("-Wl,-Bsymbolic");
    link("-Wl,-soname,zkey-kmip.so.1");
    // OpenSSL is told once per process how to free what the openssl crate attaches to its objects,
    // by pointers to this code that cannot be taken back. So it stays, as libcrypto itself does.
    link("-Wl,-z,nodelete");
    // zkey loads with RTLD_NOW: a missing library shall fail here, not there. A fuzzer's and
    // a sanitizer's functions are in the program, never in a shared object.
    if env::var_os("CARGO_CFG_FUZZING").is_none() {
        link("-Wl,-z,defs");
    }
}

fn link(argument: &str) {
    println!("cargo::rustc-cdylib-link-arg={argument}");
}
