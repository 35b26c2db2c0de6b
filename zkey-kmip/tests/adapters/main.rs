//! What is installed (the program and the shared object of the plugin) with emulated adapters and
//! their host library, which the dynamic linker finds as on a machine with real ones.

#[path = "../common/mod.rs"]
mod common;
mod ep11_life;
mod installation;
#[path = "../plugin/key_server/mod.rs"]
mod key_server;
mod life;
mod manual;
mod memory;
mod selftest;
