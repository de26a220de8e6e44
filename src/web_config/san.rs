//! The alternative names of a certificate.
//!
//! The TLS library checks names, but lists none; the field is simple enough to be read here. The bytes come from clients
//! and are believed in nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `id-ce-subjectAltName`, 2.5.29.17.
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1D, 0x11];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `extensions [3]` of a `TBSCertificate`.
const EXTENSIONS: u8 = 0xA3;

/// The DNS names, mail addresses, URIs and IP addresses that a certificate (DER) is for, as texts; `None` where it is
/// no certificate.
///
/// **Source**: RFC 5280, 4.1 and 4.2.1.6.
pub(super) fn names(certificate: &[u8]) -> Option<Vec<String>> {
    let (certificate, _) = part(certificate, SEQUENCE)?;
    let (mut fields, _) = part(certificate, SEQUENCE)?;
    while let Some((tag, body, rest)) = next(fields) {
        fields = rest;
        if tag == EXTENSIONS {
            return of_extensions(part(body, SEQUENCE)?.0);
        }
    }
    Some(Vec::new())
}

fn of_extensions(mut extensions: &[u8]) -> Option<Vec<String>> {
    while !extensions.is_empty() {
        let (extension, rest) = part(extensions, SEQUENCE)?;
        extensions = rest;
        let (identifier, mut rest) = part(extension, OBJECT_IDENTIFIER)?;
        if identifier != ALTERNATIVE_NAME {
            continue;
        }
        // Whether it is critical may stand between.
        while let Some((tag, body, after)) = next(rest) {
            if tag == OCTET_STRING {
                return of_names(part(body, SEQUENCE)?.0);
            }
            rest = after;
        }
    }
    Some(Vec::new())
}

fn of_names(mut general: &[u8]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !general.is_empty() {
        let (tag, body, rest) = next(general)?;
        general = rest;
        match tag {
            // rfc822Name, dNSName, uniformResourceIdentifier
            0x81 | 0x82 | 0x86 => names.push(String::from_utf8(body.to_vec()).ok()?),
            0x87 => names.push(address(body)?.to_canonical().to_string()),
            _ => {}
        }
    }
    Some(names)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| Ipv6Addr::from(sixteen).into())
}

/// The body of the first element, which must have this tag, and what follows it.
fn part(input: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, body, rest) = next(input)?;
    (tag == expected).then_some((body, rest))
}

/// Tag and body of the first element, and what follows it.
fn next(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = input.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((tag, body, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    fn der(name: &str) -> Vec<u8> {
        CertificateDer::from_pem_file(format!("tests/fixtures/web/{name}")).unwrap().to_vec()
    }

    #[test]
    fn every_kind_of_name_is_read() {
        assert_eq!(
            names(&der("client.pem")).unwrap(),
            [
                "prometheus.example",
                "ops@example.org",
                "spiffe://example.org/prometheus",
                "192.0.2.7",
                "2001:db8::7"
            ]
        );
        assert_eq!(names(&der("ca.pem")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn no_bytes_are_too_odd() {
        let whole = der("client.pem");
        for end in 0..whole.len() {
            let _read = names(&whole[..end]);
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut odd = whole.clone();
                odd[at] ^= 1 << bit;
                let _read = names(&odd);
            }
        }
        assert_eq!(names(b""), None);
        assert_eq!(names(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]), None);
    }
}
