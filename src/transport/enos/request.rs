//! One operation, tried until it goes through.

use super::token::{JSON, Token, Tokens};
use super::{Line, Operation, envelope, sign};
use crate::transport::call::{Call, Try};
use crate::transport::error::{Error, Failure};
use crate::transport::http::Request;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, InvalidHeaderValue};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A request that is signed anew for every try.
pub(super) struct Signed<'a, A> {
    line: &'a Line,
    tokens: &'a Tokens,
    operation: Operation,
    query: Vec<(&'a str, Option<&'a str>)>,
    body: Vec<u8>,
    /// Of this try.
    token: Option<Token>,
    /// Whether the gateway refused it.
    refused: bool,
    mended_token: bool,
    mended_clock: bool,
    answer: PhantomData<fn() -> A>,
}

impl<'a, A> Signed<'a, A> {
    pub(super) fn new(
        line: &'a Line,
        tokens: &'a Tokens,
        operation: Operation,
        query: &'a [(&'static str, &'a str)],
        body: Option<Vec<u8>>,
    ) -> Self {
        let options = &line.options;
        let scope = [("orgId", options.org_id.as_str()), ("userId", options.user_id.as_str())];
        let scope = scope.into_iter().filter(|_| operation.is_scoped());
        let query = [("action", operation.action())]
            .into_iter()
            .chain(query.iter().copied())
            .chain(scope)
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key, Some(value)))
            .collect();
        Self {
            line,
            tokens,
            operation,
            query,
            body: body.unwrap_or_default(),
            token: None,
            refused: false,
            mended_token: false,
            mended_clock: false,
            answer: PhantomData,
        }
    }

    fn headers(&self, token: &Token) -> Result<HeaderMap, InvalidHeaderValue> {
        let stamp = self.line.stamp();
        let signature = sign::signature(&token.text, &self.query, &self.body, stamp, &token.secret);
        let mut text = HeaderValue::from_str(token.text.expose_secret())?;
        text.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert("apim-accesstoken", text);
        headers.insert("apim-timestamp", HeaderValue::from(stamp));
        headers.insert("apim-signature", HeaderValue::from_str(&signature)?);
        Ok(headers)
    }
}

impl<A: DeserializeOwned> Try for Signed<'_, A> {
    type Answer = A;

    async fn ready(&mut self) -> Result<(), Error> {
        self.token = Some(self.tokens.get(self.line).await?);
        Ok(())
    }

    async fn once(&mut self, call: &Call<'_>) -> Result<A, Failure> {
        let Some(Ok(headers)) = self.token.as_ref().map(|token| self.headers(token)) else {
            return Err(Error::Decode("a token that fits no header".into()).into());
        };
        let mut url = self.line.url(self.operation.path());
        url.set_query(Some(&sign::query_string(&self.query)));
        let request = Request {
            method: self.operation.method(),
            url,
            headers,
            body: self.body.clone(),
            deadline: self.line.options.timeout,
        };
        let mut refused = false;
        let result = call
            .send(request, |answer| {
                envelope::open(answer)
                    .inspect_err(|error| refused = envelope::refuses_token(answer.status, error))
            })
            .await;
        self.refused = refused;
        result
    }

    async fn mend(&mut self, failure: &Failure) -> bool {
        let Some(token) = self.token.take_if(|_| self.refused) else { return false };
        if !self.mended_clock && self.line.skew.learn(failure.date) {
            self.mended_clock = true;
            return true;
        }
        if self.mended_token {
            return false;
        }
        self.mended_token = true;
        self.tokens.drop_token(&token);
        true
    }
}
