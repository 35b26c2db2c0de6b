//! The operations, each in a file of its own.

mod activate;
mod add_attribute;
mod adjust_attribute;
mod archive;
mod asynchronous;
mod certify;
mod check;
mod create;
mod create_key_pair;
mod cryptography;
mod delete_attribute;
mod derive_key;
mod destroy;
mod encrypt;
mod get;
mod get_attributes;
mod get_usage_allocation;
mod hash;
mod import;
mod key_use;
mod locate;
mod login;
mod mac;
mod modify_attribute;
mod obtain_lease;
mod pkcs11;
mod pkcs12;
mod protection;
mod query;
mod re_key;
mod re_key_key_pair;
mod re_provision;
mod register;
mod revoke;
mod rng;
mod set_attribute;
mod set_defaults;
mod sign;
mod split_key;
mod undo;
mod unwrap;
mod validate;
mod wrap;

use kmip::server::Failure;
use kmip::types::{
    EndpointRole, Enumeration, InteropResponse, LogResponse, Operation, PingResponse,
    ProtocolVersion, RequestPayload, ResponsePayload, SetEndpointRoleRequest,
    SetEndpointRoleResponse,
};

use crate::context::Context;
use crate::refusal;

pub(crate) use certify::replaced;
pub(crate) use get::may_leave;
pub(crate) use import::exists;
pub(crate) use undo::{can_undo, undo};

/// Performs an operation.
pub(crate) fn perform(
    context: &Context<'_>,
    request: RequestPayload<'_>,
) -> Result<ResponsePayload<'static>, Failure> {
    let operation = request.operation();
    if !is_defined_in(operation, context.version()) {
        return Err(Failure::operation_not_supported(operation));
    }
    Ok(match request {
        RequestPayload::Activate(request) => activate::activate(context, &request)?.into(),
        RequestPayload::AddAttribute(request) => add_attribute::add(context, request)?.into(),
        RequestPayload::AdjustAttribute(request) => {
            adjust_attribute::adjust(context, &request)?.into()
        }
        RequestPayload::Archive(request) => archive::archive(context, &request)?.into(),
        RequestPayload::Cancel(request) => asynchronous::cancel(context, &request)?.into(),
        RequestPayload::Certify(request) => certify::certify(context, &request)?.into(),
        RequestPayload::Check(request) => check::check(context, &request)?.into(),
        RequestPayload::Create(request) => create::create(context, &request)?.into(),
        RequestPayload::CreateKeyPair(request) => {
            create_key_pair::create_key_pair(context, &request)?.into()
        }
        RequestPayload::DeleteAttribute(request) => {
            delete_attribute::delete(context, &request)?.into()
        }
        RequestPayload::CreateSplitKey(request) => split_key::create(context, &request)?.into(),
        RequestPayload::Decrypt(request) => encrypt::decrypt(context, &request)?.into(),
        RequestPayload::DelegatedLogin(request) => login::delegated(context, &request)?.into(),
        RequestPayload::DeriveKey(request) => derive_key::derive_key(context, &request)?.into(),
        RequestPayload::Destroy(request) => destroy::destroy(context, &request)?.into(),
        RequestPayload::Encrypt(request) => encrypt::encrypt(context, &request)?.into(),
        RequestPayload::Export(request) => import::export(context, request)?.into(),
        RequestPayload::Get(request) => get::get(context, &request)?.into(),
        RequestPayload::GetAttributeList(request) => {
            get_attributes::list(context, &request)?.into()
        }
        RequestPayload::GetAttributes(request) => get_attributes::get(context, &request)?.into(),
        RequestPayload::GetUsageAllocation(request) => {
            get_usage_allocation::get_usage_allocation(context, &request)?.into()
        }
        RequestPayload::Hash(request) => hash::hash(context, &request)?.into(),
        RequestPayload::Import(request) => import::import(context, request)?.into(),
        // Marks the begin and the end of a test case; nothing is to be done.
        RequestPayload::Interop(_) => InteropResponse::default().into(),
        RequestPayload::JoinSplitKey(request) => split_key::join(context, &request)?.into(),
        RequestPayload::Locate(request) => locate::locate(context, &request)?.into(),
        RequestPayload::Log(_) => LogResponse::default().into(),
        RequestPayload::Login(request) => login::login(context, &request)?.into(),
        RequestPayload::Logout(request) => login::logout(context, &request)?.into(),
        RequestPayload::Mac(request) => mac::mac(context, &request)?.into(),
        RequestPayload::MacVerify(request) => mac::verify(context, &request)?.into(),
        RequestPayload::ModifyAttribute(request) => {
            modify_attribute::modify(context, request)?.into()
        }
        RequestPayload::ObtainLease(request) => obtain_lease::obtain(context, &request)?.into(),
        RequestPayload::Ping(_) => PingResponse::default().into(),
        RequestPayload::GetConstraints(_) => set_defaults::get_constraints(context)?.into(),
        RequestPayload::Pkcs11(request) => pkcs11::perform(context, &request)?.into(),
        RequestPayload::Process(request) => asynchronous::process(context, &request)?.into(),
        RequestPayload::QueryAsynchronousRequests(request) => {
            asynchronous::query(context, &request)?.into()
        }
        RequestPayload::SetConstraints(request) => {
            set_defaults::set_constraints(context, request)?.into()
        }
        RequestPayload::SetDefaults(request) => {
            set_defaults::set_defaults(context, request)?.into()
        }
        RequestPayload::SetEndpointRole(request) => endpoint_role(&request)?.into(),
        RequestPayload::Query(request) => query::query(context, &request)?.into(),
        RequestPayload::ReCertify(request) => certify::re_certify(context, &request)?.into(),
        RequestPayload::ReKey(request) => re_key::re_key(context, &request)?.into(),
        RequestPayload::ReKeyKeyPair(request) => {
            re_key_key_pair::re_key_key_pair(context, &request)?.into()
        }
        RequestPayload::ReProvision(request) => {
            re_provision::re_provision(context, &request)?.into()
        }
        RequestPayload::Recover(request) => archive::recover(context, &request)?.into(),
        RequestPayload::Register(request) => register::register(context, request)?.into(),
        RequestPayload::Revoke(request) => revoke::revoke(context, request)?.into(),
        RequestPayload::RngRetrieve(request) => rng::retrieve(&request)?.into(),
        RequestPayload::RngSeed(request) => rng::seed(context, &request)?.into(),
        RequestPayload::SetAttribute(request) => set_attribute::set(context, request)?.into(),
        RequestPayload::Sign(request) => sign::sign(context, &request)?.into(),
        RequestPayload::SignatureVerify(request) => sign::verify(context, &request)?.into(),
        RequestPayload::Validate(request) => validate::validate(context, &request)?.into(),
        other => return Err(Failure::operation_not_supported(other.operation())),
    })
}

/// Set Endpoint Role (KMIP 2.1, 6.1.54): connections are the client's to make requests on, and stay so.
fn endpoint_role(
    request: &SetEndpointRoleRequest<'_>,
) -> Result<SetEndpointRoleResponse<'static>, Failure> {
    match request.endpoint_role {
        EndpointRole::SERVER => Ok(SetEndpointRoleResponse {
            endpoint_role: EndpointRole::SERVER,
            ..SetEndpointRoleResponse::default()
        }),
        role => Err(refusal::not_supported(format!(
            "this server does not take the role {role:?} on a connection of its client"
        ))),
    }
}

/// Whether an operation can be done later than it is asked for.
pub(crate) fn can_defer(operation: Operation) -> bool {
    const AT_ONCE: [Operation; 10] = [
        Operation::RE_PROVISION,
        Operation::DISCOVER_VERSIONS,
        Operation::POLL,
        Operation::CANCEL,
        Operation::PROCESS,
        Operation::QUERY_ASYNCHRONOUS_REQUESTS,
        Operation::SET_ENDPOINT_ROLE,
        Operation::LOGIN,
        Operation::DELEGATED_LOGIN,
        Operation::LOGOUT,
    ];
    SUPPORTED.contains(&operation) && !AT_ONCE.contains(&operation)
}

/// The operations that the server performs, Discover Versions, which the engine answers, and Poll among
/// them.
const SUPPORTED: [Operation; 57] = [
    Operation::RE_PROVISION,
    Operation::ADJUST_ATTRIBUTE,
    Operation::VALIDATE,
    Operation::CREATE,
    Operation::CREATE_KEY_PAIR,
    Operation::REGISTER,
    Operation::RE_KEY,
    Operation::RE_KEY_KEY_PAIR,
    Operation::DERIVE_KEY,
    Operation::CREATE_SPLIT_KEY,
    Operation::JOIN_SPLIT_KEY,
    Operation::IMPORT,
    Operation::EXPORT,
    Operation::LOCATE,
    Operation::CHECK,
    Operation::GET,
    Operation::GET_ATTRIBUTES,
    Operation::GET_ATTRIBUTE_LIST,
    Operation::ADD_ATTRIBUTE,
    Operation::MODIFY_ATTRIBUTE,
    Operation::DELETE_ATTRIBUTE,
    Operation::OBTAIN_LEASE,
    Operation::GET_USAGE_ALLOCATION,
    Operation::ACTIVATE,
    Operation::REVOKE,
    Operation::DESTROY,
    Operation::ARCHIVE,
    Operation::RECOVER,
    Operation::QUERY,
    Operation::DISCOVER_VERSIONS,
    Operation::ENCRYPT,
    Operation::DECRYPT,
    Operation::SIGN,
    Operation::SIGNATURE_VERIFY,
    Operation::MAC,
    Operation::MAC_VERIFY,
    Operation::RNG_RETRIEVE,
    Operation::RNG_SEED,
    Operation::HASH,
    Operation::LOG,
    Operation::LOGIN,
    Operation::LOGOUT,
    Operation::DELEGATED_LOGIN,
    Operation::CERTIFY,
    Operation::RE_CERTIFY,
    Operation::POLL,
    Operation::CANCEL,
    Operation::SET_ATTRIBUTE,
    Operation::INTEROP,
    Operation::PING,
    Operation::PKCS_11,
    Operation::SET_DEFAULTS,
    Operation::SET_CONSTRAINTS,
    Operation::GET_CONSTRAINTS,
    Operation::QUERY_ASYNCHRONOUS_REQUESTS,
    Operation::PROCESS,
    Operation::SET_ENDPOINT_ROLE,
];

/// The operations that a client of `version` can have.
fn supported(version: ProtocolVersion) -> Vec<Operation> {
    let defined = |operation: &Operation| is_defined_in(*operation, version);
    SUPPORTED.into_iter().filter(defined).collect()
}

fn is_defined_in(operation: Operation, version: ProtocolVersion) -> bool {
    let value = Operation::TABLE.by_value(operation.value());
    value.is_none_or(|value| value.is_defined_in(version))
}
