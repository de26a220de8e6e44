//! Asking for many things by id, where one bad id spoils a whole call.

use super::wire::LIMIT;
use crate::model::BoxFuture;
use crate::transport::Error;

/// What one call gave.
pub(super) type Answer<T> = Result<Vec<T>, Error>;

/// Calls with at most [`LIMIT`] ids at a time and gathers the answers in `found`. A call refused because of an id is
/// repeated with each half of its ids, so that only the bad ones are left out; the last such refusal is handed back.
///
/// # Errors
/// Every other failure. What was found before stands.
pub(super) async fn in_chunks<'f, T>(
    ids: &[String],
    found: &mut Vec<T>,
    call: impl Fn(Vec<String>) -> BoxFuture<'f, Answer<T>>,
) -> Result<Option<Error>, Error> {
    let mut refused = None;
    let mut waiting: Vec<&[String]> = ids.chunks(LIMIT).rev().collect();
    while let Some(chunk) = waiting.pop() {
        match call(chunk.to_vec()).await {
            Ok(rows) => found.extend(rows),
            Err(error) if is_of_an_id(&error) => {
                if chunk.len() > 1 {
                    let (first, second) = chunk.split_at(chunk.len() / 2);
                    waiting.extend([second, first]);
                }
                refused = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

/// Whether a single id may be to blame, such as one that the API has forgotten.
fn is_of_an_id(error: &Error) -> bool {
    matches!(error, Error::Rejected { code } if code.starts_with("InvalidParameterValue") || code.starts_with("ResourceNotFound"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn one_bad_id_costs_only_itself() {
        let ids: Vec<String> = (0..250).map(|n| n.to_string()).collect();
        let sizes = Mutex::new(Vec::new());
        let mut found = Vec::new();
        let refused = in_chunks(&ids, &mut found, |ids| {
            sizes.lock().unwrap().push(ids.len());
            let bad = ids.iter().any(|id| id == "142");
            let code = "InvalidParameterValue.InvalidInvocationId".to_owned();
            Box::pin(std::future::ready(if bad {
                Err(Error::Rejected { code: code.into() })
            } else {
                Ok(ids)
            }))
        })
        .await
        .unwrap();
        assert!(refused.is_some());
        let kept: Vec<&String> = ids.iter().filter(|id| *id != "142").collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), kept);
        let sizes = sizes.into_inner().unwrap();
        assert!(sizes.iter().all(|size| *size <= LIMIT) && sizes.len() < 20, "{sizes:?}");
    }

    #[tokio::test]
    async fn a_refusal_of_the_call_itself_is_not_asked_again() {
        let calls = Mutex::new(0);
        let refused = in_chunks::<String>(&vec!["a".to_owned(); 100], &mut Vec::new(), |_| {
            *calls.lock().unwrap() += 1;
            Box::pin(std::future::ready(Err(Error::Rejected { code: "UnsupportedOperation".into() })))
        })
        .await;
        assert!(refused.is_err());
        assert_eq!(calls.into_inner().unwrap(), 1);
    }
}
