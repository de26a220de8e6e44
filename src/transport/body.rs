//! Bodies, read whole or not at all, and never beyond a cap.

use super::Error;
use std::io::Read;

/// Decodes a gzip body into at most `cap` bytes: 16 KiB of it can stand for 16 MiB.
pub(super) fn gunzip(packed: &[u8], cap: usize) -> Result<Vec<u8>, Error> {
    let mut plain = Vec::new();
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    flate2::read::MultiGzDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut plain)
        .map_err(|_| Error::Decode("damaged gzip".into()))?;
    if plain.len() > cap { Err(Error::TooLarge(cap)) } else { Ok(plain) }
}

/// Reads the body as it was sent, at most `cap` bytes of it.
///
/// # Errors
/// [`Error::TooLarge`] as soon as that is certain; what `fail` makes of an end before the whole body.
pub(super) async fn read(
    response: &mut reqwest::Response,
    cap: usize,
    fail: impl Fn(reqwest::Error) -> Error,
) -> Result<Vec<u8>, Error> {
    let announced = response.content_length().map(|len| usize::try_from(len).unwrap_or(usize::MAX));
    if announced.is_some_and(|len| len > cap) {
        return Err(Error::TooLarge(cap));
    }
    let mut body = Vec::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = response.chunk().await.map_err(&fail)? {
        if chunk.len() > cap - body.len() {
            return Err(Error::TooLarge(cap));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
