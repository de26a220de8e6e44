//! The common layer of Tencent Cloud API 3.0: which action, who asks, and the envelope of answers.

use super::tc3::{self, Authorization};
use super::{Answer, Arguments, Claim, Dice, Face, Refusal, Request, Rows, Span, Trouble, TrueRun, World};
use crate::model::Timestamp;
use serde_json::{Value, json};

/// Regions that products know here. Most are empty, as most are for any account.
pub const REGIONS: &[&str] = &[
    "ap-guangzhou",
    "ap-shanghai",
    "ap-nanjing",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-hongkong",
    "ap-singapore",
    "na-siliconvalley",
    "eu-frankfurt",
];

/// One product in one version.
#[derive(Debug)]
pub struct Product {
    /// Its prefix: host name and signing scope. Also the kind that reads it.
    pub service: &'static str,
    /// The version.
    pub version: &'static str,
    /// The finished runs that a span holds.
    pub truth: fn(&World, &Span) -> Vec<TrueRun>,
    /// What it can do.
    pub actions: &'static [Action],
}

/// One action of a product.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// The documented limit, in requests per second.
    pub per_second: u32,
    /// The names of all arguments it takes.
    pub arguments: &'static [&'static str],
    /// Where its answer keeps records, below `Response`.
    pub rows: Option<Rows>,
    /// Its answer: what stands under `Response`, without `RequestId`.
    pub answer: fn(&Call<'_>) -> Result<Value, Refusal>,
}

/// A call that got through the gateway.
#[derive(Debug)]
pub struct Call<'a> {
    /// Its arguments.
    pub arguments: &'a Arguments,
    /// `X-TC-Region`.
    pub region: &'a str,
    /// The world it asks about.
    pub world: &'a World,
    /// The present, in seconds since the Unix epoch.
    pub now: i64,
    /// See [`Request::skew`].
    pub skew: i64,
}

impl Face for &'static Product {
    fn kind(&self) -> &'static str {
        self.service
    }

    /// Told by the signing scope, or by the version where nothing is signed.
    fn claim(&self, request: &Request) -> Option<Claim> {
        if request.path != "/" {
            return None;
        }
        let account = match Authorization::of(request) {
            Some(signed) if signed.service == self.service => signed.secret_id.to_owned(),
            None if request.header("x-tc-version") == Some(self.version) => String::new(),
            _ => return None,
        };
        let action = request.header("x-tc-action").unwrap_or_default().to_owned();
        let per_second = self.action(&action).map(|action| action.per_second);
        Some(Claim { action, account, per_second })
    }

    fn answer(&self, request: &Request, world: &World, now: Timestamp) -> Answer {
        let id = Dice::new(world.seed()).of(now.millis()).named(&String::from_utf8_lossy(&request.body));
        match self.admit(request, world, now) {
            Ok((response, rows)) => envelope(response, id).with_rows(rows),
            Err(refusal) => envelope(error(&refusal), id),
        }
    }

    fn refuse(&self, trouble: &Trouble) -> Answer {
        let refusal = match trouble {
            Trouble::Throttled { seen, limit } => Refusal::of(
                "RequestLimitExceeded",
                format!(
                    "Your current request times equals to `{seen}` in a second, which exceeds the frequency limit \
                     `{limit}` for a second. Please reduce the frequency of calls."
                ),
            ),
            Trouble::Internal => Refusal::of("InternalError", "An internal error has occurred."),
            Trouble::Offline => Refusal::of("ActionOffline", "This API is no longer available."),
            Trouble::Auth => Refusal::of("AuthFailure.SignatureFailure", "The signature is not valid."),
        };
        envelope(error(&refusal), Dice::new(0).named(refusal.code()))
    }

    fn truth(&self, world: &World, span: &Span) -> Vec<TrueRun> {
        (self.truth)(world, span)
    }
}

impl Product {
    fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions.iter().find(|action| action.name == name)
    }

    fn admit(
        &self,
        request: &Request,
        world: &World,
        now: Timestamp,
    ) -> Result<(Value, Option<Rows>), Refusal> {
        let header = |name: &'static str| {
            let missing =
                || Refusal::of("MissingParameter", format!("The request is missing the header `{name}`."));
            request.header(name).filter(|value| !value.is_empty()).ok_or_else(missing)
        };
        tc3::check(request, self.service, now)?;
        if header("X-TC-Version")? != self.version {
            return Err(Refusal::of("NoSuchVersion", "The API version does not exist."));
        }
        let name = header("X-TC-Action")?;
        let unknown =
            || Refusal::of("InvalidAction", format!("The requested action `{name}` does not exist."));
        let action = self.action(name).ok_or_else(unknown)?;
        let region = header("X-TC-Region")?;
        if !REGIONS.contains(&region) {
            return Err(Refusal::of("UnsupportedRegion", format!("The region `{region}` is not supported.")));
        }
        let arguments = Arguments::read(request, action.arguments)?;
        let call = Call { arguments: &arguments, region, world, now: now.secs(), skew: request.skew };
        Ok(((action.answer)(&call)?, action.rows))
    }
}

fn error(refusal: &Refusal) -> Value {
    json!({"Error": {"Code": refusal.code(), "Message": refusal.text()}})
}

fn envelope(mut response: Value, id: Dice) -> Answer {
    response["RequestId"] = Value::String(uuid(id));
    Answer::json(200, json!({"Response": response}))
}

/// An id in the shape of a version 4 UUID.
pub fn uuid(dice: Dice) -> String {
    let (a, b) = (dice.named("a").bits(), dice.named("b").bits());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}
