//! A request's path and query, as they stand in its URL.

/// Found without the `url` crate, which would be a good part of this Worker's wasm and so of its cold start. Nothing is
/// percent-decoded: no name or size that this Worker knows needs it.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    /// Of an absolute URL, as the platform gives it.
    pub(crate) fn of(url: &'a str) -> Self {
        let (_, rest) = url.split_once("://").unwrap_or_default();
        let target = rest.find('/').and_then(|start| rest.get(start..));
        let target = target.unwrap_or("/");
        let (target, _) = target.split_once('#').unwrap_or((target, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { path, query }
    }

    /// The first value under this name.
    pub(crate) fn query(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.query.split('&');
        pairs.find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }
}
