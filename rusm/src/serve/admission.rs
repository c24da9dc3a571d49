//! Who may come in: so many handlers at once, so many bytes of bodies at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place for a handler, taken before its process is spawned and given back after its response.
///
/// Waiting for one is bounded in time by `patience`, and in number because each connection has at
/// most one request under way.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    patience: Duration,
}

/// No handler became free in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

impl Admission {
    pub(crate) fn new(places: usize, patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), patience }
    }

    /// Waits for a place, in order of arrival.
    ///
    /// Cancel safe: a dropped wait takes no place.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Overloaded> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        match tokio::time::timeout(self.patience, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Overloaded),
        }
    }
}

/// Bytes that all bodies together may hold.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
}

/// Bytes taken out of a budget; they go back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    taken: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: self.clone(), taken: 0 }
    }
}

impl Share {
    /// Takes so many bytes more, or none if the budget has not that many left.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Overloaded> {
        let left = &self.budget.left;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .map_err(|_| Overloaded)?;
        self.taken += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_given_back() {
        let admission = Admission::new(1, Duration::from_millis(1));
        let place = admission.enter().await.unwrap();
        assert_eq!(admission.enter().await.unwrap_err(), Overloaded);
        drop(place);
        let place = admission.enter().await.unwrap();
        let patient = Admission { places: admission.places.clone(), patience: Duration::from_secs(60) };
        let waiting = tokio::spawn(async move { patient.enter().await.is_ok() });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(place);
        assert!(waiting.await.unwrap());
    }

    #[test]
    fn a_budget_is_never_overdrawn() {
        let budget = Budget::new(10);
        let mut one = budget.share();
        let mut other = budget.share();
        one.grow(6).unwrap();
        assert_eq!(other.grow(5), Err(Overloaded));
        other.grow(4).unwrap();
        drop(one);
        other.grow(6).unwrap();
        assert_eq!(other.grow(1), Err(Overloaded));
    }
}
