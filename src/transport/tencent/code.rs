//! What an error code means for the caller.
//!
//! **Source**: the common error codes of API 3.0, and the codes of WeData 2021-08-20, TAT 2020-10-28 and
//! SCF 2018-04-16. Only codes are matched; messages change with language and time.

use crate::transport::{Code, Error};
use std::time::Duration;

/// The error that a code under `Response.Error` stands for.
pub(super) fn error(code: &str, retry_after: Option<Duration>) -> Error {
    let code = Code::clean(code);
    let (family, detail) = code.split_once('.').unwrap_or((&*code, ""));
    if let Some(hint) = hint(family, detail) {
        return Error::Auth { code, hint };
    }
    match (family, detail) {
        ("RequestLimitExceeded", _) => Error::Throttled { code, retry_after },
        ("InternalError" | "ServiceUnavailable" | "ResourceUnavailable", _)
        // Two of WeData's, busy signals despite their family.
        | ("InvalidParameter", "ServiceIsBusy")
        | ("FailedOperation", "ConnectionTimeOutError") => Error::Server { code },
        _ => Error::Rejected { code },
    }
}

/// What to do where access was refused; `None` for all other codes.
fn hint(family: &str, detail: &str) -> Option<&'static str> {
    let hint = match (family, detail) {
        ("AuthFailure", "SignatureExpire") => "set this machine's clock (NTP)",
        ("AuthFailure", "TokenFailure") | ("UnauthorizedOperation", "InvalidToken") => {
            "the temporary keys have ended or lack their token; give new ones, or let a role renew them"
        }
        ("AuthFailure", "SecretIdNotFound" | "InvalidSecretId") => {
            "the SecretId is unknown, disabled or deleted; check the account's credentials"
        }
        ("AuthFailure", "SignatureFailure" | "InvalidAuthorization") => {
            "the SecretKey does not belong to the SecretId; check the account's credentials"
        }
        ("AuthFailure" | "UnauthorizedOperation", "MFAFailure" | "MFAExpired" | "MFANotFound") => {
            "the user needs a second factor for this; use a user or role without one"
        }
        ("UnauthorizedOperation", "UserNotInProject") => {
            "make the sub-account a member of the WeData project"
        }
        ("AuthFailure" | "UnauthorizedOperation", _) => {
            "allow this action to the sub-account or role in Cloud Access Management (CAM)"
        }
        _ => return None,
    };
    Some(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reason;
    use crate::transport::retry;

    #[test]
    fn every_documented_code_has_its_class() {
        let table = [
            (
                Reason::Throttled,
                "RequestLimitExceeded RequestLimitExceeded.UinLimitExceeded \
                 RequestLimitExceeded.GlobalRegionUinLimitExceeded RequestLimitExceeded.IPLimitExceeded",
            ),
            (
                Reason::Server,
                "InternalError InternalError.System InternalError.SearchFailed ServiceUnavailable ResourceUnavailable \
                 InternalError.CallSchedulerApiError InternalError.InternalCallCloudApiError \
                 InvalidParameter.ServiceIsBusy FailedOperation.ConnectionTimeOutError",
            ),
            (
                Reason::Auth,
                "AuthFailure AuthFailure.SignatureExpire AuthFailure.TokenFailure AuthFailure.SignatureFailure \
                 AuthFailure.InvalidAuthorization AuthFailure.InvalidSecretId AuthFailure.SecretIdNotFound \
                 AuthFailure.MFAFailure AuthFailure.UnauthorizedOperation UnauthorizedOperation \
                 UnauthorizedOperation.UserNotInProject UnauthorizedOperation.CamAuthFailed UnauthorizedOperation.CAM \
                 UnauthorizedOperation.InvalidToken UnauthorizedOperation.MFAExpired UnauthorizedOperation.MFANotFound",
            ),
            (
                Reason::Rejected,
                "UnsupportedRegion NoSuchProduct NoSuchVersion InvalidAction ActionOffline UnsupportedProtocol \
                 UnsupportedOperation InvalidParameter InvalidParameterValue MissingParameter UnknownParameter \
                 InvalidRequest RequestSizeLimitExceeded ResponseSizeLimitExceeded ResourceNotFound ResourceInUse \
                 ResourceInsufficient LimitExceeded FailedOperation DryRunOperation IpInBlacklist IpNotInWhitelist \
                 InvalidParameter.ClientIpNotAuthorized InvalidParameter.ConflictParameter LimitExceeded.Offset \
                 InvalidParameterValue.StartTimeOrEndTime ResourceNotFound.FunctionName RequestLimitExceededX \
                 FailedOperation.ClsServiceUnregistered InvalidParameter.WorkspaceNotExist \
                 InvalidParameter.WeDataRoleNotExists InvalidParameterValue.InvalidFilter \
                 InvalidParameterValue.InvalidInvocationId InvalidParameterValue.DateTime \
                 LimitExceeded.FilterValueExceeded",
            ),
        ];
        for (reason, codes) in table {
            for code in codes.split_whitespace() {
                let error = error(code, None);
                assert_eq!(error.reason(), reason, "{code}");
                assert_eq!(error.code(), Some(code));
                // How long before it is asked again: not at all, half a second at most, a second, or five.
                let again = retry::wait(1, &error.clone().into(), 1.0).map(|wait| wait.as_millis());
                let account = matches!(
                    code.strip_prefix("RequestLimitExceeded."),
                    Some("UinLimitExceeded" | "GlobalRegionUinLimitExceeded" | "IPLimitExceeded")
                );
                assert_eq!(error.is_account_wide(), account, "{code}");
                let expected = match reason {
                    Reason::Throttled if account => Some(5000),
                    Reason::Throttled => Some(1000),
                    Reason::Server => Some(500),
                    _ => None,
                };
                assert_eq!(again, expected, "{code}");
            }
        }
    }

    #[test]
    fn a_code_that_is_no_code_is_not_repeated() {
        for code in ["", "a b", "x\ny", "{secret}", &"x".repeat(101)] {
            assert_eq!(error(code, None), Error::Rejected { code: "unreadable".into() });
        }
    }
}
