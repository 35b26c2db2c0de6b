//! What is installed, the program and the shared object of the plugin, and a key server, over TLS.

#[path = "../common/mod.rs"]
mod common;
mod end_to_end;
mod installation;
mod interrupted;
#[path = "../plugin/key_server/mod.rs"]
mod key_server;
mod life;
#[path = "../plugin/machine.rs"]
mod machine;
mod manual_of_s390_tools;
mod memory;
