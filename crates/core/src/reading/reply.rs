//! An answer as it travels: what the object says in headers, and what a reader makes of them.

use super::{Answer, Ask};
use crate::coordinator::SnapshotAnswer;
use crate::names::header;
use crate::version::{ETag, Version};
use crate::wire::{
    Freshness, Pending, ReadState, cache_control, http_date, saturating_number, server_timing,
};

impl SnapshotAnswer {
    /// The status: 304 when the reader holds the head already.
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.not_modified { 304 } else { 200 }
    }

    /// The headers, but for the media type.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let (head, terms) = (&self.head, &self.terms);
        let state = if terms.base {
            ReadState::Base
        } else {
            ReadState::Fresh
        };
        let mut fields = vec![
            (header::VERSION, head.version.to_string()),
            (header::ETAG, head.etag.as_str().to_owned()),
            (header::STATE, state.as_str().to_owned()),
            (header::FRESHNESS, terms.to_header()),
            (header::AGE, "0".to_owned()),
            (header::LAST_MODIFIED, http_date(head.adopted_at)),
            (
                header::CACHE_CONTROL,
                cache_control(terms.ttl_ms, terms.swr_ms),
            ),
            (header::SERVER_TIMING, server_timing("object", state)),
        ];
        fields.extend(
            self.pending
                .map(|pending| (header::PENDING, pending.to_header())),
        );
        fields
    }
}

impl Answer<()> {
    /// Reads status and headers, and trusts none of them. A snapshot's body is still to be read.
    /// An announcement that is not understood counts as none: nothing is switched to in error.
    ///
    /// # Errors
    /// One line for the log.
    pub fn parse(
        ask: &Ask,
        status: u16,
        field: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let terms = field(header::FRESHNESS).and_then(|terms| Freshness::parse(&terms));
        let pending = field(header::PENDING).and_then(|pending| Pending::parse(&pending));
        match (status, terms) {
            (404, _) if matches!(ask, Ask::Pending { .. }) => Ok(Self::NotScheduled),
            (304, Some(terms)) => Ok(Self::NotModified { terms, pending }),
            (200, Some(terms)) => {
                let version = field(header::VERSION)
                    .and_then(|version| saturating_number(&version))
                    .and_then(Version::new);
                let etag = field(header::ETAG).and_then(|etag| ETag::from_header(&etag));
                let (Some(version), Some(etag)) = (version, etag) else {
                    return Err("the answer carries no version or no ETag".to_owned());
                };
                Ok(Self::Snapshot {
                    version,
                    etag,
                    terms,
                    pending: pending.filter(|pending| pending.version >= version),
                    body: (),
                })
            }
            (200 | 304, None) => Err("the answer does not say how long to keep it".to_owned()),
            (status, _) => Err(format!("the coordinator answered {status}")),
        }
    }
}
