//! Versions, cipher suites and curves, by the names that the format has for them.

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};

/// What a name stands for.
pub(super) enum Known<T> {
    Good(T),
    /// A name of the format for something that is not offered here, and why not.
    Refused(&'static str),
}

const OLD: &str = "is not offered: TLS before 1.2 is broken; write TLS12 or TLS13";
const WEAK: &str =
    "is not offered: without forward secrecy or authenticated encryption a suite is weak; leave it out";

/// `TLS12`, `TLS13`; in order, so that they can be compared.
pub(super) fn version(name: &str) -> Option<Known<u8>> {
    match name {
        "TLS13" => Some(Known::Good(13)),
        "TLS12" => Some(Known::Good(12)),
        "TLS11" | "TLS10" => Some(Known::Refused(OLD)),
        _ => None,
    }
}

/// The versions from `least` to `most`.
pub(super) fn versions(least: u8, most: u8) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(13, &version::TLS13), (12, &version::TLS12)];
    all.into_iter()
        .filter(|(number, _)| (least..=most).contains(number))
        .map(|(_, version)| version)
        .collect()
}

/// A cipher suite by its IANA name.
pub(super) fn suite(name: &str) -> Option<Known<SupportedCipherSuite>> {
    Some(Known::Good(match name {
        "TLS_AES_128_GCM_SHA256" => cipher_suite::TLS13_AES_128_GCM_SHA256,
        "TLS_AES_256_GCM_SHA384" => cipher_suite::TLS13_AES_256_GCM_SHA384,
        "TLS_CHACHA20_POLY1305_SHA256" => cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => {
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        }
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" => {
            cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
        "TLS_RSA_WITH_AES_128_CBC_SHA"
        | "TLS_RSA_WITH_AES_256_CBC_SHA"
        | "TLS_RSA_WITH_AES_128_GCM_SHA256"
        | "TLS_RSA_WITH_AES_256_GCM_SHA384"
        | "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
        | "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"
        | "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
        | "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" => return Some(Known::Refused(WEAK)),
        _ => return None,
    }))
}

/// A curve by the name of Go's crypto/tls.
pub(super) fn curve(name: &str) -> Option<Known<&'static dyn rustls::crypto::SupportedKxGroup>> {
    Some(match name {
        "X25519" => Known::Good(kx_group::X25519),
        "CurveP256" => Known::Good(kx_group::SECP256R1),
        "CurveP384" => Known::Good(kx_group::SECP384R1),
        "CurveP521" => Known::Refused("is not offered; write X25519, CurveP256 or CurveP384"),
        _ => return None,
    })
}

/// The cryptography of the build, narrowed to what is named. Suites of TLS 1.3 are always all there, as the format has it:
/// only those of 1.2 are chosen.
pub(super) fn provider(
    suites: Option<Vec<SupportedCipherSuite>>,
    curves: Option<Vec<&'static dyn rustls::crypto::SupportedKxGroup>>,
) -> CryptoProvider {
    let mut provider = default_provider();
    if let Some(chosen) = suites {
        let newest = |suite: &SupportedCipherSuite| suite.version() == &version::TLS13;
        provider.cipher_suites.retain(newest);
        provider.cipher_suites.extend(chosen.into_iter().filter(|suite| !newest(suite)));
    }
    if let Some(chosen) = curves {
        provider.kx_groups = chosen;
    }
    provider
}
