//! Points in time: stored in UTC, and read by people in the shop's time zone.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::zone::{self, Skipped};

const DISPLAY: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");

/// A moment in UTC, to the microsecond, as both databases store it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(PrimitiveDateTime);

impl From<SystemTime> for Timestamp {
    /// Returns this moment, to the microsecond.
    fn from(at: SystemTime) -> Self {
        let at = OffsetDateTime::from(at);
        let time = at.time().replace_microsecond(at.microsecond()).unwrap_or(at.time());
        Self(PrimitiveDateTime::new(at.date(), time))
    }
}

impl Timestamp {
    /// Returns the current time, to the microsecond.
    ///
    /// Postgres stores no finer times: one would not compare equal after it was stored.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns the moment at which the shop's clocks show `local`; see [`zone`].
    ///
    /// # Errors
    /// Returns [`Skipped`] if they never do.
    pub fn of_local(local: PrimitiveDateTime) -> Result<Self, Skipped> {
        zone::shop().utc(local).map(Self)
    }

    /// Returns what the shop's clocks show.
    pub fn local(self) -> PrimitiveDateTime {
        zone::shop().local(self.0)
    }

    /// Returns the time as the databases take it.
    pub fn to_primitive(self) -> PrimitiveDateTime {
        self.0
    }

    /// Returns the moment `time` later.
    pub fn after(self, time: std::time::Duration) -> Self {
        Self(self.0.saturating_add(time.try_into().unwrap_or(time::Duration::MAX)))
    }

    /// Returns the time since `earlier`; zero if that is later than this moment.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        (self.0 - earlier.0).try_into().unwrap_or_default()
    }

    /// Formats the time for people, in the shop's time zone: `21 Nov 2026, 01:27 UTC`.
    pub fn display(&self) -> String {
        let local = self.local().format(DISPLAY).unwrap_or_default();
        format!("{local} {}", zone::shop().abbreviation(self.0))
    }

    /// Formats the exact time for machines: `2026-11-21T01:27:03.123456Z`.
    pub fn rfc3339(&self) -> String {
        self.0.assume_utc().format(&Rfc3339).unwrap_or_default()
    }
}

impl From<PrimitiveDateTime> for Timestamp {
    fn from(time: PrimitiveDateTime) -> Self {
        Self(time)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_readable_and_exact() {
        let time = Timestamp(datetime!(2026-11-01 01:07:03.123456));
        assert_eq!(time.display(), "1 Nov 2026, 01:07 UTC");
        assert_eq!(time.rfc3339(), "2026-11-01T01:07:03.123456Z");
    }
}
