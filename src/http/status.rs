//! The status page, for people and for programs.

mod html;
mod json;
#[cfg(test)]
mod tests;
mod text;

pub(super) use html::html;
pub(super) use json::json;

/// The page's only style sheet. The policy below names its hash, so nothing else can style or script the page.
const STYLE: &str = include_str!("status/style.css");

/// What a browser may do with the page: apply [`STYLE`], nothing else.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
style-src 'sha256-kSkwbpiRn62xWcPxoFtWNkxZv3w0MhZJK4xIrVTMNF4='; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
