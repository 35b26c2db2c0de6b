//! PKCS#11 (KMIP 2.1, 6.1.37) against the token that the server embeds. It tells who it is; keys are
//! used by the operations of KMIP, and functions for that are answered as the interface has it:
//! `CKR_FUNCTION_NOT_SUPPORTED`.

use kmip::server::Failure;
use kmip::types::{
    Enumeration, Pkcs11Function, Pkcs11Request, Pkcs11Response, Pkcs11ReturnCode, ResultReason,
    Secret,
};

use crate::configuration::TokenInformation;
use crate::context::Context;

/// The version of the interface that CK_INFO tells: 2.40, whose functions have the numbers that KMIP
/// gives them in all later ones, too.
const CRYPTOKI_VERSION: [u8; 2] = [2, 40];
/// The length of texts in CK_INFO, which are filled up with blanks.
const TEXT_LENGTH: usize = 32;

pub(super) fn perform(
    context: &Context<'_>,
    request: &Pkcs11Request<'_>,
) -> Result<Pkcs11Response<'static>, Failure> {
    if let Some(name) = &request.pkcs_11_interface {
        if name != "PKCS 11" {
            let message = format!("there is no interface `{name}`");
            return Err(Failure::new(
                ResultReason::PKCS_11_INVALID_INTERFACE,
                message,
            ));
        }
    }
    let function = request.pkcs_11_function;
    if Pkcs11Function::TABLE.by_value(function.value()).is_none() {
        let message = format!("there is no function {function:?}");
        return Err(Failure::new(
            ResultReason::PKCS_11_INVALID_FUNCTION,
            message,
        ));
    }
    let mut answer = Pkcs11Response {
        pkcs_11_interface: request
            .pkcs_11_interface
            .clone()
            .map(|name| name.into_owned().into()),
        pkcs_11_function: function,
        pkcs_11_return_code: Pkcs11ReturnCode::OK,
        ..Pkcs11Response::default()
    };
    let (applications, owner) = (&context.volatile.applications, context.owner());
    let input = request.pkcs_11_input_parameters.as_ref();
    let input = input.map_or(&[][..], |input| input.expose());
    if function == Pkcs11Function::C_INITIALIZE {
        // Whether there are arguments, which are about threads and mean nothing here.
        if !matches!(input, [] | [0 | 1]) {
            return Err(bad_parameters());
        }
        answer.correlation_value = Some(applications.begin(owner)?.into());
        return Ok(answer);
    }
    let correlation = request.correlation_value.as_deref().unwrap_or_default();
    if !applications.is_begun(correlation, owner) {
        answer.pkcs_11_return_code = Pkcs11ReturnCode::CRYPTOKI_NOT_INITIALIZED;
        return Ok(answer);
    }
    match function {
        Pkcs11Function::C_FINALIZE if matches!(input, [] | [0]) => {
            applications.end(correlation, owner);
        }
        Pkcs11Function::C_GETINFO if input.is_empty() => {
            let information = information(&context.configuration.token);
            answer.pkcs_11_output_parameters = Some(Secret::owned(information));
        }
        Pkcs11Function::C_FINALIZE | Pkcs11Function::C_GETINFO => return Err(bad_parameters()),
        _ => answer.pkcs_11_return_code = Pkcs11ReturnCode::FUNCTION_NOT_SUPPORTED,
    }
    Ok(answer)
}

/// CK_INFO: version of the interface, manufacturer, flags, description and version of the library.
/// Numbers are big-endian, CK_FLAGS in eight bytes.
fn information(token: &TokenInformation) -> Vec<u8> {
    let mut bytes = CRYPTOKI_VERSION.to_vec();
    bytes.extend(filled_up(&token.manufacturer));
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend(filled_up(&token.description));
    bytes.extend([token.version.0, token.version.1]);
    bytes
}

/// A text in the length that it has in structures of PKCS#11.
fn filled_up(text: &str) -> Vec<u8> {
    let mut end = text.len().min(TEXT_LENGTH);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut bytes = text.as_bytes()[..end].to_vec();
    bytes.resize(TEXT_LENGTH, b' ');
    bytes
}

fn bad_parameters() -> Failure {
    let message = "the PKCS#11 Input Parameters are not those of the function";
    Failure::new(ResultReason::PKCS_11_CODEC_ERROR, message)
}
