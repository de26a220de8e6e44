//! One call to an API: its turn, its tries, and what is told of them.

use super::error::{Error, Failure};
use super::http::{Answer, Http, Request};
use super::limit::{Bucket, Turn};
use super::retry::{self, Quota};
use crate::model::{ApiCall, Observer};
use tokio::time::Instant;

/// What all tries of one call share.
pub(super) struct Call<'a> {
    pub(super) account: &'a str,
    pub(super) service: &'static str,
    pub(super) action: &'static str,
    pub(super) region: &'a str,
    /// What the bucket counts: the action, or `*` for all of them.
    pub(super) counted: &'static str,
    pub(super) bucket: &'a Bucket,
    pub(super) quota: &'a Quota,
    pub(super) http: &'a Http,
    pub(super) observer: &'a dyn Observer,
}

/// How one protocol makes one try.
pub(super) trait Try {
    /// What the call is for.
    type Answer;

    /// Gets what the next try needs from elsewhere: keys, a token. That has tries of its own behind it, so a failure
    /// ends the call; and it comes before the turn, which is for one request at once.
    fn ready(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Signs with the present time, sends through [`Call::send`], judges the answer.
    fn once(&mut self, call: &Call<'_>) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;

    /// Mends what a failure shows to be wrong on this side (clock, keys, token). Whether it did, so that the call is to
    /// be made again at once; says so at most once for each kind of trouble.
    fn mend(&mut self, failure: &Failure) -> impl Future<Output = bool> + Send;
}

impl Call<'_> {
    /// Tries until it succeeds or may not be tried again.
    pub(super) async fn run<T: Try>(&self, mut tries: T) -> Result<T::Answer, Error> {
        let mut count = 0;
        loop {
            tries.ready().await?;
            let turn = self.turn().await;
            let failure = match tries.once(self).await {
                Ok(answer) => {
                    self.quota.earn();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if matches!(failure.error, Error::Throttled { .. }) {
                self.bucket.slow_down(turn, failure.retry_after);
                self.tell_rate();
            }
            if tries.mend(&failure).await {
                continue;
            }
            count += 1;
            match retry::wait(count, &failure, fastrand::f64()) {
                Some(wait) if self.quota.spend() => tokio::time::sleep(wait).await,
                _ => return Err(failure.error),
            }
        }
    }

    /// Sends once, lets `judge` read the answer, and tells how it ended.
    pub(super) async fn send<A>(
        &self,
        request: Request,
        judge: impl FnOnce(&Answer) -> Result<A, Error> + Send,
    ) -> Result<A, Failure> {
        let from = Instant::now();
        let sent = self.http.send(request).await;
        let took = from.elapsed();
        let judged = match sent {
            Ok(answer) => judge(&answer).map_err(|error| Failure {
                error,
                retry_after: answer.retry_after,
                date: answer.date,
            }),
            Err(error) => Err(error.into()),
        };
        let code = judged.as_ref().err().map_or("ok", |failure| failure.error.label());
        self.observer.api_call(ApiCall {
            account: self.account,
            service: self.service,
            action: self.action,
            region: self.region,
            code,
            took,
        });
        judged
    }

    async fn turn(&self) -> Turn {
        let turn = self.bucket.turn().await;
        if !turn.waited.is_zero() {
            self.observer.rate_limit_wait(self.account, self.service, self.action, turn.waited);
        }
        self.tell_rate();
        turn
    }

    fn tell_rate(&self) {
        if let Some(rate) = self.bucket.changed_rate() {
            self.observer.rate_limit(self.account, self.service, self.counted, rate);
        }
    }
}
