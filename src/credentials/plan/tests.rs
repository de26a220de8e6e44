use super::*;
use crate::credentials::{CredentialsError, ExchangeError, StsAction, Triple};
use crate::model::{BoxFuture, Quiet, Timestamp};
use serde_json::{Value, json};
use std::sync::Mutex;

struct Midnight;

impl Clock for Midnight {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_543_910_000)
    }
}

/// Action, region, request, and the SecretId that signed.
type Asked = (StsAction, String, Value, Option<String>);

/// A network of which the test says what there is.
#[derive(Default)]
struct Network {
    role: Option<&'static str>,
    keys: Option<Value>,
    no_metadata: bool,
    sts: Mutex<Vec<Asked>>,
}

impl Exchange for Network {
    fn metadata<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ExchangeError>> {
        let found = match path.strip_prefix("latest/meta-data/cam/security-credentials/").unwrap() {
            "" => self.role.map(Into::into),
            role => {
                assert_eq!(Some(role), self.role.map(str::trim));
                self.keys.as_ref().map(|keys| keys.to_string().into_bytes())
            }
        };
        let none = self.no_metadata.then(|| ExchangeError("cannot reach metadata".into()));
        Box::pin(async move { none.map_or(Ok(found), Err) })
    }

    fn sts<'a>(
        &'a self,
        action: StsAction,
        region: &'a str,
        request: &'a Value,
        signed_by: Option<&'a Triple>,
    ) -> BoxFuture<'a, Result<Value, ExchangeError>> {
        let by = signed_by.map(|triple| triple.secret_id.clone());
        self.sts.lock().unwrap().push((action, region.to_owned(), request.clone(), by));
        Box::pin(async {
            Ok(json!({
                "Credentials": {"Token": "t", "TmpSecretId": "sts", "TmpSecretKey": "k"},
                "ExpiredTime": 1_543_914_376, "Expiration": "2018-12-04T09:06:16Z", "RequestId": "r"
            }))
        })
    }
}

fn machine(role: Option<&'static str>) -> Network {
    let keys = json!({
        "TmpSecretId": "cvm", "TmpSecretKey": "k", "ExpiredTime": 1_543_914_376, "Token": "t", "Code": "Success"
    });
    Network { role, keys: Some(keys), ..Network::default() }
}

async fn ask(
    choice: Choice,
    role: Option<Role>,
    variables: &[(&str, &str)],
    network: &Arc<Network>,
) -> Result<Triple, CredentialsError> {
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let plan = Plan { account: "main".into(), choice, assume_role: role, variables };
    let exchange = Arc::clone(network) as Arc<dyn Exchange>;
    plan.provider(&exchange, Arc::new(Midnight), Arc::new(Quiet)).get().await
}

const ENV: [(&str, &str); 2] = [("TENCENTCLOUD_SECRET_ID", "env"), ("TENCENTCLOUD_SECRET_KEY", "k")];
const NO_FILE: (&str, &str) = ("TENCENTCLOUD_CREDENTIALS_FILE", "/nonexistent/credentials");

#[tokio::test]
async fn the_default_takes_the_first_place_that_has_keys() {
    let network = Arc::new(machine(Some("worker\n")));
    let id = |variables: Vec<(&'static str, &'static str)>| {
        let network = Arc::clone(&network);
        async move { ask(Choice::Default, None, &variables, &network).await.unwrap().secret_id }
    };
    assert_eq!(id([NO_FILE].into_iter().chain(ENV).collect()).await, "env");
    assert_eq!(id(vec![NO_FILE]).await, "cvm");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("credentials");
    std::fs::write(&path, "[default]\nsecret_id = file\nsecret_key = k\n").unwrap();
    let file = [("TENCENTCLOUD_CREDENTIALS_FILE", path.to_str().unwrap())];
    assert_eq!(ask(Choice::Default, None, &file, &network).await.unwrap().secret_id, "file");
}

#[tokio::test]
async fn where_nothing_is_found_every_place_is_named() {
    let network = Arc::new(Network { no_metadata: true, ..Network::default() });
    let error = ask(Choice::Default, None, &[NO_FILE], &network).await.unwrap_err().to_string();
    for place in
        ["environment (nothing there)", "file", "cvm-role (metadata service: cannot reach", "tke-oidc"]
    {
        assert!(error.contains(place), "{error}");
    }
    // Half a pair was meant for us: other keys in its stead would be a surprise.
    let half = [("TENCENTCLOUD_SECRET_ID", "env"), NO_FILE];
    let error = ask(Choice::Default, None, &half, &Arc::new(machine(Some("worker")))).await.unwrap_err();
    assert!(matches!(error, CredentialsError::Unusable { origin: "environment", .. }), "{error}");
}

#[tokio::test]
async fn a_role_name_that_is_none_is_never_asked_for() {
    for page in ["<html>login</html>", "../../user-data", "", "a b"] {
        let error = ask(Choice::CvmRole, None, &[], &Arc::new(machine(Some(page)))).await.unwrap_err();
        assert!(error.to_string().contains("no role name"), "{error}");
    }
    assert!(matches!(
        ask(Choice::CvmRole, None, &[], &Arc::new(machine(None))).await,
        Err(CredentialsError::NotFound(_))
    ));
    let broken = Network { keys: Some(json!({"Code": "Failed"})), ..machine(Some("worker")) };
    let error = ask(Choice::CvmRole, None, &[], &Arc::new(broken)).await.unwrap_err();
    assert!(error.to_string().contains("no usable keys"), "{error}");
}

#[tokio::test]
async fn a_role_is_taken_on_with_any_keys() {
    let network = Arc::new(machine(Some("worker")));
    let role = |external_id: Option<&str>| Role {
        role_arn: "qcs::cam::uin/1:roleName/x".into(),
        session_name: "taskrun-exporter".into(),
        duration: Duration::from_secs(3600),
        external_id: external_id.map(Into::into),
    };
    let triple = ask(Choice::Environment, Some(role(Some(""))), &ENV, &network).await.unwrap();
    assert_eq!((triple.secret_id.as_str(), triple.token.is_some()), ("sts", true));
    assert_eq!(triple.expires, Some(Timestamp::from_secs(1_543_914_376)));
    ask(Choice::CvmRole, Some(role(Some("ext"))), &[], &network).await.unwrap();
    let asked = network.sts.lock().unwrap();
    let request = json!({
        "RoleArn": "qcs::cam::uin/1:roleName/x", "RoleSessionName": "taskrun-exporter", "DurationSeconds": 3600
    });
    assert_eq!(asked[0], (StsAction::AssumeRole, "ap-guangzhou".into(), request, Some("env".into())));
    assert_eq!((asked[1].2["ExternalId"].as_str(), asked[1].3.as_deref()), (Some("ext"), Some("cvm")));
}

/// Every place that can have keys, and what it takes there.
#[tokio::test]
async fn a_role_is_taken_on_with_keys_of_every_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ini = path("credentials", "[default]\nsecret_id = file\nsecret_key = k\n");
    let ini = ("TENCENTCLOUD_CREDENTIALS_FILE", ini.to_str().unwrap());
    let proof = path("proof", "oidc");
    let pod = [
        ("TKE_REGION", "ap-beijing"),
        ("TKE_PROVIDER_ID", "provider"),
        ("TKE_WEB_IDENTITY_TOKEN_FILE", proof.to_str().unwrap()),
        ("TKE_ROLE_ARN", "arn"),
        NO_FILE,
    ];
    let given = Choice::Given {
        secret_id: SecretRef::File(path("id", "given")),
        secret_key: SecretRef::File(path("key", "k")),
        token: Some(SecretRef::Value("t".into())),
    };
    for (choice, variables, signer) in [
        (Choice::Environment, &ENV[..], "env"),
        (Choice::File, &[ini][..], "file"),
        (Choice::Default, &[ini][..], "file"),
        (Choice::Default, &[NO_FILE][..], "cvm"),
        (Choice::CvmRole, &[][..], "cvm"),
        (Choice::TkeOidc, &pod[..], "sts"),
        (given, &[][..], "given"),
    ] {
        let network = Arc::new(machine(Some("worker")));
        let role = Role {
            role_arn: "arn".into(),
            session_name: "x".into(),
            duration: Duration::from_secs(3600),
            external_id: None,
        };
        let triple = ask(choice.clone(), Some(role), variables, &network).await.unwrap();
        assert_eq!((triple.secret_id.as_str(), triple.expires.is_some()), ("sts", true), "{choice:?}");
        let asked = network.sts.lock().unwrap();
        let (action, _, _, by) = asked.last().unwrap();
        assert_eq!((*action, by.as_deref()), (StsAction::AssumeRole, Some(signer)), "{choice:?}");
    }
}

#[tokio::test]
async fn the_place_that_had_keys_is_not_left_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("credentials");
    let keys = |id: &str| std::fs::write(&path, format!("[default]\nsecret_id = {id}\nsecret_key = k\n"));
    keys("first").unwrap();
    let network = Arc::new(machine(Some("worker")));
    let variables = [("TENCENTCLOUD_CREDENTIALS_FILE".to_owned(), path.display().to_string())].into();
    let plan = Plan { account: "main".into(), choice: Choice::Default, assume_role: None, variables };
    let exchange = Arc::clone(&network) as Arc<dyn Exchange>;
    let provider = plan.provider(&exchange, Arc::new(Midnight), Arc::new(Quiet));
    let id = || async { provider.get().await.unwrap().secret_id };
    assert_eq!(id().await, "first");
    keys("second").unwrap();
    assert_eq!(id().await, "second", "at the very next call");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(id().await, "second", "and not the machine's role");
    keys("third").unwrap();
    provider.invalidate();
    assert_eq!(id().await, "third");
}

#[tokio::test]
async fn a_pod_shows_its_token_and_signs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "oidc\n").unwrap();
    let network = Arc::new(Network::default());
    let mut variables = vec![
        ("TKE_REGION", "ap-beijing"),
        ("TKE_PROVIDER_ID", "provider"),
        ("TKE_WEB_IDENTITY_TOKEN_FILE", path.to_str().unwrap()),
        ("TKE_ROLE_ARN", "arn"),
    ];
    assert_eq!(ask(Choice::TkeOidc, None, &variables, &network).await.unwrap().secret_id, "sts");
    {
        let asked = network.sts.lock().unwrap();
        let (action, region, request, by) = &asked[0];
        assert_eq!((*action, region.as_str()), (StsAction::AssumeRoleWithWebIdentity, "ap-beijing"));
        assert_eq!((request["WebIdentityToken"].as_str(), by), (Some("oidc"), &None));
    }
    variables.pop();
    let error = ask(Choice::TkeOidc, None, &variables, &network).await.unwrap_err().to_string();
    assert_eq!(error, "tke-oidc: TKE_ROLE_ARN not set");
}

#[tokio::test]
async fn a_file_that_turns_unreadable_leaves_the_keys_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "first").unwrap();
    let (id, key) = (SecretRef::Value("id".into()), SecretRef::File(path.clone()));
    let provider = Plan::given("main".into(), id, key, Arc::new(Midnight), Arc::new(Quiet));
    let key = || async {
        secrecy::ExposeSecret::expose_secret(&provider.get().await.unwrap().secret_key).to_owned()
    };
    assert_eq!(key().await, "first");
    std::fs::write(&path, "second").unwrap();
    assert_eq!(key().await, "second");
    std::fs::write(&path, "").unwrap();
    assert_eq!(key().await, "second");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(key().await, "second");
    std::fs::write(&path, "third").unwrap();
    provider.invalidate();
    assert_eq!(key().await, "third");
}
