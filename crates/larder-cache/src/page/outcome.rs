//! What the page cache did with a request, in one word for metrics and logs.

/// What the page cache did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered from a stored page.
    Hit,
    /// Answered from a stored page that is stale.
    Stale,
    /// Answered from a page that another request was building.
    Collapsed,
    /// Answered from a stored page that the handler has validated.
    Revalidated,
    /// Built and stored.
    Stored,
    /// Built and not stored.
    NotStored,
    /// The cache was bypassed.
    Bypass,
    /// The method is not one that the cache answers.
    Method,
}

impl Outcome {
    /// All outcomes with their names, in the order of their discriminants.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Hit, "hit"),
        (Self::Stale, "stale"),
        (Self::Collapsed, "collapsed"),
        (Self::Revalidated, "revalidated"),
        (Self::Stored, "stored"),
        (Self::NotStored, "not stored"),
        (Self::Bypass, "bypass"),
        (Self::Method, "method"),
    ];

    /// Returns the name for logs and metrics.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_at_its_discriminant() {
        for (number, (outcome, name)) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!((outcome as usize, outcome.name()), (number, name));
        }
    }
}
