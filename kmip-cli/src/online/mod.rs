//! The commands that talk to a server.

mod attributes;
mod create;
mod cryptography;
mod derived;
mod fetch;
mod later;
mod lifecycle;
mod listing;
mod query;
mod raw;
mod register;
mod rules;
mod servers;
mod sessions;
pub(crate) mod show;
mod transfer;
mod usage;

use std::process::ExitCode;

use crate::arguments::Command;
use crate::failure::Failure;

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Query(options) => query::query(options)?,
        Command::Versions(options) => query::versions(options)?,
        Command::Servers(options) => servers::run(options)?,
        Command::Create(options) => create::key(options)?,
        Command::CreateKeyPair(options) => create::key_pair(options)?,
        Command::Register(options) => register::run(options)?,
        Command::Import(options) => transfer::import(options)?,
        Command::Export(options) => transfer::export(options)?,
        Command::Get(options) => fetch::run(options)?,
        Command::Locate(options) => listing::run(options)?,
        Command::Attributes(command) => attributes::run(command)?,
        Command::Activate(options) => lifecycle::activate(options)?,
        Command::Revoke(options) => lifecycle::revoke(options)?,
        Command::Destroy(options) => lifecycle::destroy(options)?,
        Command::Archive(options) => lifecycle::archive(options)?,
        Command::Recover(options) => lifecycle::recover(options)?,
        Command::Rekey(options) => lifecycle::rekey(options)?,
        Command::Check(options) => return usage::check(options),
        Command::GetUsageAllocation(options) => usage::get_usage_allocation(options)?,
        Command::ObtainLease(options) => usage::obtain_lease(options)?,
        Command::DeriveKey(options) => derived::derive_key(options)?,
        Command::SplitKey(options) => derived::split_key(options)?,
        Command::JoinSplitKey(options) => derived::join_split_key(options)?,
        Command::Certify(options) => derived::certify(options)?,
        Command::ReCertify(options) => derived::recertify(options)?,
        Command::Validate(options) => return derived::validate(options),
        Command::Login(options) => sessions::login(options)?,
        Command::Logout(options) => sessions::logout(options)?,
        Command::Log(options) => sessions::log(options)?,
        Command::Ping(options) => sessions::ping(options)?,
        Command::DelegatedLogin(options) => sessions::delegated_login(options)?,
        Command::SetEndpointRole(options) => sessions::set_endpoint_role(options)?,
        Command::Interop(options) => sessions::interop(options)?,
        Command::Pkcs11(options) => return sessions::pkcs11(options),
        Command::Poll(options) => return later::poll(options),
        Command::Cancel(options) => later::cancel(options)?,
        Command::Process(options) => later::process(options)?,
        Command::QueryAsynchronousRequests(options) => later::query(options)?,
        Command::SetDefaults(options) => rules::set_defaults(options)?,
        Command::Constraints(command) => rules::constraints(command)?,
        Command::ReProvision(options) => derived::re_provision(options)?,
        Command::Encrypt(options) => cryptography::encrypt(options)?,
        Command::Decrypt(options) => cryptography::decrypt(options)?,
        Command::Sign(options) => cryptography::sign(options)?,
        Command::Verify(options) => return cryptography::verify(options),
        Command::Mac(options) => return cryptography::mac(options),
        Command::Hash(options) => cryptography::hash(options)?,
        Command::Rng(options) => cryptography::rng(options)?,
        Command::Raw(options) => raw::run(options)?,
        // All others are no commands of this module.
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}
