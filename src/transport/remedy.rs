//! What to do where an API refused a request.

/// What to do about the API's `code`.
///
/// **Source**: the common error codes of Tencent Cloud API 3.0, the codes of WeData 2021-08-20, TAT 2020-10-28 and
/// SCF 2018-04-16; the EnOS Batch Processing Service v2.1 and its token service.
pub(super) fn of(code: &str) -> &'static str {
    let (family, detail) = code.split_once('.').unwrap_or((code, ""));
    match (family, detail) {
        ("UnsupportedRegion", _) => "check the source's regions; this product is not in every one",
        ("InvalidParameter", "ClientIpNotAuthorized") | ("IpInBlacklist" | "IpNotInWhitelist", _) => {
            "allow this machine's address to call the API"
        }
        ("InvalidParameter", "WorkspaceNotExist") => "check the projects in the source's settings",
        ("ResourceNotFound" | "InvalidParameterValue", _) | ("62102", _) => {
            "check the names and ids in the source's settings; if they are right, the API may have changed: please \
             report it"
        }
        ("InvalidParameter" | "MissingParameter" | "UnknownParameter" | "InvalidRequest", _) => {
            "the API may have changed; please report it"
        }
        ("ActionOffline", _) => {
            "the provider has withdrawn this action; remove the source, or ask the provider"
        }
        ("InvalidAction" | "NoSuchProduct" | "NoSuchVersion", _) => {
            "check the account's endpoint; if it is right, the provider may have withdrawn this action"
        }
        ("UnsupportedProtocol", _) => "check the account's endpoint; it must begin with https://",
        ("LimitExceeded" | "RequestSizeLimitExceeded" | "ResponseSizeLimitExceeded", _) => {
            "more is asked for than the API allows; narrow what the source's settings ask for"
        }
        ("FailedOperation", "ClsServiceUnregistered") => "activate the log service (CLS) for the account",
        ("FailedOperation" | "ResourceInUse" | "ResourceInsufficient", _) => {
            "the next poll asks again; if it stays, look at the product's console"
        }
        ("UnsupportedOperation", _) => {
            "the API does not do this for the account; look at the product's console"
        }
        ("1001", _) => "does another program use the same access key?",
        ("unreadable" | "404" | "http_404", _) => {
            "check the account's endpoint or gateway; is it really this API's address?"
        }
        _ => "look the code up in the API's documents",
    }
}

#[cfg(test)]
mod tests {
    use crate::transport::Error;

    #[test]
    fn every_refusal_says_what_to_do() {
        for (code, remedy) in [
            ("UnsupportedRegion", "regions"),
            ("ResourceNotFound", "names and ids in the source's settings"),
            ("ResourceNotFound.FunctionName", "names and ids in the source's settings"),
            ("InvalidParameterValue.InvalidFilter", "source's settings"),
            ("InvalidParameter", "please report"),
            ("InvalidParameter.ConflictParameter", "please report"),
            ("InvalidParameter.WorkspaceNotExist", "projects"),
            ("InvalidParameter.ClientIpNotAuthorized", "this machine's address"),
            ("MissingParameter", "please report"),
            ("UnknownParameter", "please report"),
            ("ActionOffline", "withdrawn"),
            ("NoSuchVersion", "withdrawn"),
            ("LimitExceeded.Offset", "narrow"),
            ("FailedOperation", "next poll"),
            ("FailedOperation.ClsServiceUnregistered", "CLS"),
            ("62102", "ids in the source's settings"),
            ("http_404", "endpoint"),
            ("Unheard.Of", "documents"),
        ] {
            let told = Error::Rejected { code: code.into() }.to_string();
            let expected = format!("the API refused the request ({code}): ");
            assert!(told.strip_prefix(&expected).is_some_and(|hint| hint.contains(remedy)), "{told}");
        }
    }
}
