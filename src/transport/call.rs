//! One call to an API: its turn, its tries, and what is told of them.

use super::Priority;
use super::breaker::{Breaker, Pass};
use super::error::{Error, Failure};
use super::http::{Answer, Http, Request};
use super::limit::{Bucket, Limiter, Turn};
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
    /// The account's other buckets, where it has several.
    pub(super) limiter: Option<&'a Limiter>,
    pub(super) priority: Priority,
    /// The endpoint's, unless whoever asks has long pauses of his own.
    pub(super) breaker: Option<&'a Breaker>,
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
            let pass = self.admitted().await?;
            let turn = self.turn().await;
            if pass.as_ref().is_some_and(Pass::is_stale) {
                continue;
            }
            let tried = tries.once(self).await;
            if let Some(pass) = pass {
                pass.sent(tried.as_ref().err().map(|failure| &failure.error));
            }
            let failure = match tried {
                Ok(answer) => {
                    self.quota.earn();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            if matches!(failure.error, Error::Throttled { .. }) {
                self.slow_down(&turn, &failure);
            }
            drop(turn);
            if tries.mend(&failure).await {
                // What is mended stays mended for the next poll, so that nothing is lost by not asking again now.
                if self.quota.spend_on_mended() {
                    continue;
                }
                return Err(failure.error);
            }
            count += 1;
            let again = retry::wait(count, &failure, fastrand::f64());
            match again.filter(|_| self.breaker.is_none_or(Breaker::is_closed)) {
                Some(wait) if self.quota.spend() => tokio::time::sleep(wait).await,
                _ => return Err(failure.error),
            }
        }
    }

    async fn admitted(&self) -> Result<Option<Pass<'_>>, Error> {
        match self.breaker {
            Some(breaker) => breaker.admit(self.priority).await.map(Some),
            None => Ok(None),
        }
    }

    fn slow_down(&self, turn: &Turn<'_>, failure: &Failure) {
        let asked = failure.retry_after.unwrap_or_default();
        match self.limiter.filter(|_| failure.error.is_account_wide()) {
            Some(limiter) => limiter.slow_down(turn, asked.max(retry::BASE_ACCOUNT)),
            None => self.bucket.slow_down(turn, asked),
        }
        self.tell_rate();
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
            Ok(answer) => {
                if let Some(date) = answer.date {
                    self.observer.clock_skew(self.account, self.http.ahead_of(date));
                }
                let (retry_after, date) = (answer.retry_after, answer.date);
                judge(&answer).map_err(|error| Failure { error, retry_after, date })
            }
            Err(error) => Err(error.into()),
        };
        let code = judged.as_ref().err().map_or("ok", |failure| failure.error.label());
        super::tally::sent();
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

    async fn turn(&self) -> Turn<'_> {
        let turn = self.bucket.turn(self.priority).await;
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
