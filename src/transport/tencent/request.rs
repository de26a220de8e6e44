//! One request of one action, tried until it goes through.

use super::endpoint::Target;
use super::sign::{Signing, hash};
use super::{Action, Line, envelope};
use crate::credentials::{Provider, Triple};
use crate::transport::call::{Call, Try};
use crate::transport::error::{Error, Failure};
use crate::transport::http::Request;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, InvalidHeaderValue};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

const JSON: &str = "application/json";
/// At most 128 characters of `[0-9a-zA-Z-_,;.]`.
const CLIENT: &str = concat!("taskrun-exporter_", env!("CARGO_PKG_VERSION"));

/// Whose keys sign.
#[derive(Clone, Copy)]
pub(super) enum Signer<'a> {
    /// The account's own.
    Provider(&'a dyn Provider),
    /// These, which stand for themselves only.
    Keys(&'a Triple),
    /// Nobody's: the body holds a proof of its own.
    Nobody,
}

/// A POST that is signed anew for every try.
pub(super) struct Post<'a, A> {
    line: &'a Line,
    action: &'static Action,
    region: &'a str,
    target: Target,
    body: Vec<u8>,
    signer: Signer<'a>,
    /// Of this try.
    keys: Option<Triple>,
    mended_clock: bool,
    mended_keys: bool,
    answer: PhantomData<fn() -> A>,
}

impl<'a, A> Post<'a, A> {
    pub(super) fn new(
        line: &'a Line,
        action: &'static Action,
        region: &'a str,
        target: Target,
        body: Vec<u8>,
        signer: Signer<'a>,
    ) -> Self {
        Self {
            line,
            action,
            region,
            target,
            body,
            signer,
            keys: None,
            mended_clock: false,
            mended_keys: false,
            answer: PhantomData,
        }
    }

    fn headers(&self) -> Result<HeaderMap, InvalidHeaderValue> {
        let keys = self.keys.as_ref();
        let timestamp = self.line.skew.now().secs();
        let authorization = match keys {
            None => "SKIP".to_owned(),
            Some(keys) => Signing {
                service: self.action.service,
                timestamp,
                method: "POST",
                query: "",
                headers: &[("content-type", JSON), ("host", &self.target.host)],
                hashed_payload: &hash(&self.body),
            }
            .authorization(&keys.secret_id, keys.secret_key.expose_secret()),
        };
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            let mut value = HeaderValue::from_str(value)?;
            value.set_sensitive(name == "x-tc-token");
            headers.insert(name, value);
            Ok(())
        };
        set(HOST.as_str(), &self.target.host)?;
        set(CONTENT_TYPE.as_str(), JSON)?;
        set("x-tc-action", self.action.name)?;
        set("x-tc-version", self.action.version)?;
        set("x-tc-timestamp", &timestamp.to_string())?;
        set("x-tc-language", "en-US")?;
        set("x-tc-requestclient", CLIENT)?;
        if !self.region.is_empty() {
            set("x-tc-region", self.region)?;
        }
        if let Some(token) = keys.and_then(|keys| keys.token.as_ref()) {
            set("x-tc-token", token.expose_secret())?;
        }
        let mut authorization = HeaderValue::from_str(&authorization)?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        Ok(headers)
    }

    /// Whether other keys than those refused are to be had, or may be after `renew`.
    async fn other_keys(&self, provider: &dyn Provider, renew: bool) -> bool {
        let Some(used) = &self.keys else { return false };
        let differ = |keys: &Triple| !keys.same_keys(used);
        if provider.get().await.is_ok_and(|keys| differ(&keys)) {
            return true;
        }
        provider.invalidate();
        renew || provider.get().await.is_ok_and(|keys| differ(&keys))
    }
}

impl<A: DeserializeOwned> Try for Post<'_, A> {
    type Answer = A;

    async fn ready(&mut self) -> Result<(), Error> {
        self.keys = match self.signer {
            Signer::Nobody => None,
            Signer::Keys(keys) => Some(keys.clone()),
            Signer::Provider(provider) => {
                Some(provider.get().await.map_err(|error| Error::Credentials(error.to_string()))?)
            }
        };
        Ok(())
    }

    async fn once(&mut self, call: &Call<'_>) -> Result<A, Failure> {
        let Ok(headers) = self.headers() else {
            let cause = "the keys hold characters that no key has; is the right file or variable named?";
            return Err(Error::Credentials(cause.into()).into());
        };
        let request = Request {
            method: Method::POST,
            url: self.target.url.clone(),
            headers,
            body: self.body.clone(),
            deadline: self.line.timeout,
        };
        call.send(request, envelope::open).await
    }

    async fn mend(&mut self, failure: &Failure) -> bool {
        let Error::Auth { code, .. } = &failure.error else { return false };
        if **code == *"AuthFailure.SignatureExpire" {
            return !std::mem::replace(&mut self.mended_clock, true) && self.line.skew.learn(failure.date);
        }
        let Signer::Provider(provider) = self.signer else { return false };
        // Rights that are missing stay missing with newer keys.
        let (of_the_keys, ended) = match &**code {
            "AuthFailure.TokenFailure" | "UnauthorizedOperation.InvalidToken" => (true, true),
            "AuthFailure.SecretIdNotFound"
            | "AuthFailure.InvalidSecretId"
            | "AuthFailure.SignatureFailure"
            | "AuthFailure.InvalidAuthorization"
            | "http_401" => (true, false),
            _ => (false, false),
        };
        of_the_keys
            && !std::mem::replace(&mut self.mended_keys, true)
            && self.other_keys(provider, ended).await
    }
}
