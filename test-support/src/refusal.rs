//! What servers of other products answer.

/// How Cosmian KMS refuses a message that it cannot read: in JSON, in a version of its own whatever that of
/// the message is, and without an operation. `message` is text without quotes.
pub fn json_refusal(message: &str) -> String {
    REFUSAL.replace("MESSAGE", message)
}

const REFUSAL: &str = r#"{"tag":"ResponseMessage","value":[{"tag":"ResponseHeader","value":[
    {"tag":"ProtocolVersion","value":[
        {"tag":"ProtocolVersionMajor","type":"Integer","value":2},
        {"tag":"ProtocolVersionMinor","type":"Integer","value":1}]},
    {"tag":"TimeStamp","type":"DateTime","value":"2026-01-01T00:00:00.123456789Z"},
    {"tag":"BatchCount","type":"Integer","value":1}]},
    {"tag":"BatchItem","value":[
        {"tag":"ResultStatus","type":"Enumeration","value":"OperationFailed"},
        {"tag":"ResultReason","type":"Enumeration","value":"Invalid_Message"},
        {"tag":"ResultMessage","type":"TextString","value":"MESSAGE"}]}]}"#;
