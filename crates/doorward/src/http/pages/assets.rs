//! Style, scripts and the icon of the pages, inside the binary. Their names carry a hash of what they hold, so browsers
//! may keep them for ever.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use doorward_core::secret::sha256;
use http::{HeaderValue, header};

use crate::http::extract::Segment;
use crate::http::problem::{Code, Problem};

/// Name, ending, media type, and what it holds.
const FILES: [(&str, &str, &str, &str); 5] = [
    ("doorward", "css", "text/css; charset=utf-8", include_str!("../../../assets/doorward.css")),
    ("password", "js", "text/javascript; charset=utf-8", include_str!("../../../assets/password.js")),
    ("jwt", "js", "text/javascript; charset=utf-8", include_str!("../../../assets/jwt.js")),
    ("secrets", "js", "text/javascript; charset=utf-8", include_str!("../../../assets/secrets.js")),
    ("door", "svg", "image/svg+xml", include_str!("../../../assets/door.svg")),
];

struct Asset {
    /// As templates call it.
    plain: String,
    /// As browsers do.
    hashed: String,
    media_type: &'static str,
    text: &'static str,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(stem, ending, media_type, text): (_, _, _, &'static str)| {
        let hash: String = sha256(&[text.as_bytes()])[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Asset { plain: format!("{stem}.{ending}"), hashed: format!("{stem}.{hash}.{ending}"), media_type, text }
    };
    FILES.into_iter().map(asset).collect()
});

/// The address of an asset.
pub fn address(plain: &str) -> Option<String> {
    let asset = ASSETS.iter().find(|asset| asset.plain == plain)?;
    Some(format!("/assets/{}", asset.hashed))
}

/// `GET /assets/{name}`.
pub async fn show(name: Segment) -> Result<Response, Problem> {
    let find = |name: &str| ASSETS.iter().find(|asset| asset.hashed == name);
    let asset = name.parse(find, Code::NotFound.into())?;
    let mut response = asset.text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    Ok(response)
}
