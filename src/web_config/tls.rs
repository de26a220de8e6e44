//! `tls_server_config`.

use super::client::{Policy, Visitors};
use super::files::Files;
use super::reader::{Fields, Reader, join};
use super::suites::{self, Known};
use super::yaml::{Node, Value};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;

const AT: &str = "tls_server_config";
const KEYS: &[&str] = &[
    "cert",
    "key",
    "client_ca",
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "cipher_suites",
    "curve_preferences",
    "min_version",
    "max_version",
    "prefer_server_cipher_suites",
];

/// Reads the section; `None` where it asks for no TLS, or is not good. `folder` is where relative paths begin.
pub(super) fn read(
    reader: &mut Reader,
    node: &Node,
    folder: &Path,
    files: &mut Files,
) -> Option<ServerConfig> {
    let fields = reader.fields(node, AT, KEYS);
    let before = reader.count();
    let mut section = Section { reader, fields, folder, files };
    let chain = section.chain(node.line);
    let key = section.key(node.line);
    let policy = section.policy();
    let roots = section.roots(policy);
    let names = section.names(policy);
    let (least, most) = (section.version("min_version", 12), section.version("max_version", 13));
    let suites = section.each("cipher_suites", "cipher suite", suites::suite);
    let curves = section.each("curve_preferences", "curve", suites::curve);
    let ours_first = section.reader.flag(&section.fields, AT, "prefer_server_cipher_suites", true);
    let versions = suites::versions(least, most);
    if versions.is_empty() {
        section.report("max_version", "is below min_version: nobody could connect");
    }
    let (Some(chain), Some(key), true) = (chain, key, section.reader.count() == before) else { return None };

    let provider = Arc::new(suites::provider(suites, curves));
    let built = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions);
    let visitors = match roots {
        _ if policy == Policy::None => None,
        roots => {
            let authority = roots.map(|roots| {
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()
            });
            match authority.transpose() {
                Ok(authority) => {
                    let algorithms = provider.signature_verification_algorithms;
                    Some(Visitors { policy, algorithms, authority, names })
                }
                Err(error) => {
                    section.report("client_ca_file", &format!("cannot be used: {error}"));
                    return None;
                }
            }
        }
    };
    let served = built.and_then(|built| {
        let built = match visitors {
            Some(visitors) => built.with_client_cert_verifier(Arc::new(visitors)),
            None => built.with_no_client_auth(),
        };
        built.with_single_cert(chain, key)
    });
    match served {
        Ok(mut config) => {
            config.ignore_client_order = ours_first;
            Some(config)
        }
        Err(error) => {
            section.report("cert_file", &format!("certificate and key cannot be used together: {error}"));
            None
        }
    }
}

struct Section<'a> {
    reader: &'a mut Reader,
    fields: Fields<'a>,
    folder: &'a Path,
    files: &'a mut Files,
}

impl Section<'_> {
    /// A problem with a key that is there, or at least with the section.
    fn report(&mut self, name: &str, message: &str) {
        let node = self.fields.get(name).or_else(|| self.fields.values().next());
        let line = node.map_or(1, |node| node.line);
        self.reader.report(line, &join(AT, name), message);
    }

    /// What the file of one key holds, or else what stands at the other; with the key it comes from.
    fn content(&mut self, file: &'static str, inline: &'static str) -> Option<(&'static str, Vec<u8>)> {
        if let Some((line, path)) = self.reader.text(&self.fields, AT, file) {
            return match self.files.read(&self.folder.join(path)) {
                Ok(content) => Some((file, content)),
                Err(why) => {
                    self.reader.report(line, &join(AT, file), why);
                    None
                }
            };
        }
        let (_, text) = self.reader.text(&self.fields, AT, inline)?;
        Some((inline, text.as_bytes().to_vec()))
    }

    fn chain(&mut self, line: usize) -> Option<Vec<CertificateDer<'static>>> {
        self.needs(line, "cert_file", "cert")?;
        let (from, pem) = self.content("cert_file", "cert")?;
        let chain = self.certificates(from, &pem)?;
        // Looked at here as well, so that a damaged one is named for what it is.
        if let Err(error) = rustls::server::ParsedCertificate::try_from(&chain[0]) {
            self.report(from, &format!("holds no usable certificate: {error}"));
            return None;
        }
        Some(chain)
    }

    fn key(&mut self, line: usize) -> Option<PrivateKeyDer<'static>> {
        self.needs(line, "key_file", "key")?;
        let (from, pem) = self.content("key_file", "key")?;
        let key = PrivateKeyDer::from_pem_slice(&pem);
        if key.is_err() {
            self.report(from, "holds no private key in PEM");
        }
        key.ok()
    }

    fn needs(&mut self, line: usize, file: &str, inline: &str) -> Option<()> {
        let empty = |node: &&Node| matches!(&node.value, Value::Scalar(text, _) if text.is_empty());
        let there = [file, inline].iter().any(|name| self.fields.get(name).is_some_and(|node| !empty(node)));
        // An empty section is as good as none.
        if !there && !self.fields.is_empty() {
            self.reader.report(line, &join(AT, file), "is required for TLS; write a path");
        }
        there.then_some(())
    }

    fn certificates(&mut self, from: &str, pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match found {
            Ok(found) if !found.is_empty() => return Some(found),
            Ok(_) => self.report(from, "holds no certificate in PEM"),
            Err(error) => self.report(from, &format!("is not PEM: {error}")),
        }
        None
    }

    fn policy(&mut self) -> Policy {
        let Some((_, name)) = self.reader.text(&self.fields, AT, "client_auth_type") else {
            return Policy::None;
        };
        Policy::of(name).unwrap_or_else(|| {
            self.report("client_auth_type", &format!("is none of {}", Policy::NAMES.join(", ")));
            Policy::None
        })
    }

    fn roots(&mut self, policy: Policy) -> Option<RootCertStore> {
        let before = self.reader.count();
        let Some((from, pem)) = self.content("client_ca_file", "client_ca") else {
            if policy.verifies() && self.reader.count() == before {
                self.report(
                    "client_auth_type",
                    "verifies clients, but there is no client_ca_file; write the authority that signs their certificates",
                );
            }
            return None;
        };
        if policy == Policy::None {
            self.report(
                from,
                "is there, but no client_auth_type asks for certificates; write RequireAndVerifyClientCert",
            );
        }
        let certificates = self.certificates(from, &pem)?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            if let Err(error) = roots.add(certificate) {
                self.report(from, &format!("holds a certificate that cannot be an authority: {error}"));
            }
        }
        policy.verifies().then_some(roots)
    }

    fn names(&mut self, policy: Policy) -> Option<Vec<String>> {
        let names = self.reader.list(&self.fields, AT, "client_allowed_sans")?;
        if !policy.requires() {
            let how = "needs a client_auth_type that makes clients show a certificate; write RequireAndVerifyClientCert";
            self.report("client_allowed_sans", how);
        }
        Some(names.into_iter().map(|(_, name)| name.to_owned()).collect())
    }

    fn version(&mut self, name: &str, default: u8) -> u8 {
        let Some((_, text)) = self.reader.text(&self.fields, AT, name) else { return default };
        match suites::version(text) {
            Some(Known::Good(version)) => return version,
            Some(Known::Refused(why)) => self.report(name, why),
            None => self.report(name, "is no version of TLS; write TLS12 or TLS13"),
        }
        default
    }

    /// What each name of a list stands for; `None` where nothing is chosen.
    fn each<T>(
        &mut self,
        name: &str,
        noun: &str,
        known: impl Fn(&str) -> Option<Known<T>>,
    ) -> Option<Vec<T>> {
        let mut chosen = Vec::new();
        for (line, text) in self.reader.list(&self.fields, AT, name)? {
            match known(text) {
                Some(Known::Good(one)) => chosen.push(one),
                Some(Known::Refused(why)) => {
                    self.reader.report(line, &join(AT, name), format!("{text} {why}"))
                }
                None => self.reader.report(line, &join(AT, name), format!("names an unknown {noun}")),
            }
        }
        (!chosen.is_empty()).then_some(chosen)
    }
}
